import type { Counted } from "./compare.ts"

/** The samples of one metric in Prometheus' text. The demo's own small reader, so that it checks ours. */
export function samplesOf(text: string, metric: string): readonly Counted[] {
  const samples: Counted[] = []
  for (const line of text.split("\n")) {
    if (!line.startsWith(`${metric}{`) && !line.startsWith(`${metric} `)) continue
    const end = line.startsWith(`${metric}{`) ? line.lastIndexOf("}") : metric.length - 1
    const labels: Record<string, string> = {}
    for (const [, name = "", value = ""] of line.slice(0, end).matchAll(LABEL))
      labels[name] = unescaped(value)
    samples.push({
      labels,
      count: Number(
        line
          .slice(end + 1)
          .trim()
          .split(" ")[0],
      ),
    })
  }
  return samples
}

const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g
const unescaped = (value: string): string =>
  value.replaceAll(/\\(.)/g, (_, letter: string) => (letter === "n" ? "\n" : letter))
