/**
 * The text of a client library's registry (format 0.0.4) as OpenMetrics: counters lose `_total` in their comments, a
 * counter that has no `_total` in its samples' name is of unknown type. Tens of lines, so plain text work.
 */
export function asOpenMetrics(text: string): string {
  const bare = new Set<string>()
  const lines = text.split("\n").filter((line) => line !== "" && line !== "# EOF")
  for (const line of lines) {
    const counter = /^# TYPE (\S+)_total counter$/.exec(line)?.[1]
    if (counter !== undefined) bare.add(`${counter}_total`)
  }
  return lines.map((line) => `${openMetricsLine(line, bare)}\n`).join("")
}

function openMetricsLine(line: string, counters: ReadonlySet<string>): string {
  const [, kind, name, rest] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? []
  if (kind === undefined || name === undefined) return line
  const family = counters.has(name) ? name.slice(0, -"_total".length) : name
  const text = rest ?? ""
  if (kind === "HELP") return `# HELP ${family} ${text.replaceAll('"', '\\"')}`
  return `# TYPE ${family} ${text === "counter" && family === name ? "unknown" : text.replace("untyped", "unknown")}`
}
