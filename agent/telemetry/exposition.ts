import type { OwnFamily, OwnPoint } from "./families.ts"

export type Exposition = "prometheus" | "openmetrics"

/**
 * Families as text: Prometheus 0.0.4, or OpenMetrics 1.0 without its closing `# EOF`, so that both can stand on one
 * page with the mesh's series. For tens of series; the mesh's own are written by `publish/`.
 */
export function expositionText(families: readonly OwnFamily[], format: Exposition): string {
  let text = ""
  for (const family of families) {
    // OpenMetrics names the family of a counter without the suffix of its samples.
    const counter = format === "openmetrics" && family.type === "counter"
    const name = counter ? family.name.replace(/_total$/, "") : family.name
    text += `# HELP ${name} ${escapedHelp(family.help, format)}\n# TYPE ${name} ${family.type}\n`
    for (const point of family.points) text += samples(family, point)
  }
  return text
}

function samples({ name, type }: OwnFamily, { labels, value, histogram }: OwnPoint): string {
  if (type !== "histogram" || histogram === undefined)
    return `${name}${labelText(labels)} ${numberText(value)}\n`
  let total = 0
  let text = ""
  for (const [index, count] of histogram.counts.entries()) {
    total += count
    const le = numberText(histogram.bounds[index] ?? Infinity)
    text += `${name}_bucket${labelText({ ...labels, le })} ${total}\n`
  }
  const own = labelText(labels)
  return `${text}${name}_sum${own} ${numberText(value)}\n${name}_count${own} ${total}\n`
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}="${escapedLabel(value)}"`)
  return parts.length === 0 ? "" : `{${parts.join(",")}}`
}

function escapedLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")
}

function escapedHelp(help: string, format: Exposition): string {
  const text = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")
  return format === "openmetrics" ? text.replaceAll('"', '\\"') : text
}

function numberText(value: number): string {
  if (value === Infinity) return "+Inf"
  return value === -Infinity ? "-Inf" : String(value)
}
