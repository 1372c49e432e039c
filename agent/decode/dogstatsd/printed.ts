import { DURATION_BOUNDS } from "#mesh/catalogue.ts"
import type { LineFault, PushedKind } from "./line.ts"

/** A series as a page for Prometheus prints it. */
export interface Printed {
  readonly kind: PushedKind
  /** What stands before each of its values, with the blank. Of a timer: its buckets, all, sum, count. */
  readonly heads: readonly string[]
}

/** Histograms that numbers are made of; their samples are whole milliseconds, so that adding them up is exact. */
const TIMES = ["_time", "_ms", "ResponseTime"] as const
const BOUNDS_MS: readonly string[] = [
  ...DURATION_BOUNDS.map((bound) => String(Math.round(bound * 1e6) / 1e3)),
  "+Inf",
]
const NAME = /^[A-Za-z_]\w*$/

/**
 * How Envoy's own page for Prometheus would print the series of a line. Cold: once for each series.
 * @param key see `PushedLine`
 */
export function printedSeries(key: string, kind: PushedKind): Printed | LineFault {
  const bar = key.indexOf("|")
  const name = plainName(key.slice(0, bar))
  if (!NAME.test(name)) return "bad_name"
  if (kind === "timer" && !TIMES.some((end) => name.endsWith(end))) return "left_out"
  const at = key.indexOf("#", bar)
  const labels = at < 0 ? [] : labelsOf(key.slice(at + 1))
  if (labels === undefined) return "bad_tag"
  const head = (suffix: string, more: readonly string[] = []): string => {
    const all = [...labels, ...more]
    return `${name}${suffix}${all.length === 0 ? "" : `{${all.join(",")}}`} `
  }
  if (kind !== "timer") return { kind, heads: [head("")] }
  return {
    kind,
    heads: [...BOUNDS_MS.map((bound) => head("_bucket", [`le="${bound}"`])), head("_sum"), head("_count")],
  }
}

/** Envoy's own rule for names on its page for Prometheus. */
const plainName = (text: string): string => text.replace(/[^A-Za-z0-9_]/g, "_")

/** Undefined where a tag is none, or could be taken for a bucket's bound. */
function labelsOf(tags: string): string[] | undefined {
  const labels: string[] = []
  for (const tag of tags === "" ? [] : tags.split(",")) {
    const colon = tag.indexOf(":")
    const label = plainName(tag.slice(0, Math.max(0, colon)))
    if (!NAME.test(label) || label === "le") return undefined
    labels.push(`${label}="${tag.slice(colon + 1).replace(/["\\]/g, "\\$&")}"`)
  }
  return labels
}
