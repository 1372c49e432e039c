import { DURATION_BOUNDS, type Metric } from "#mesh/catalogue.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"
import type { Series } from "#mesh/snapshot.ts"
import { boundText, type Format, labelValue } from "./text.ts"

/** Lines per histogram: its buckets, then sum and count. */
export const HISTOGRAM_LINES = BUCKET_COUNT + 2

/** How many lines a series of the metric takes. */
export function linesPer(metric: Metric): number {
  return metric.type === "histogram" ? HISTOGRAM_LINES : 1
}

/** The text before each value of a series, up to and with the space. */
export function linePrefixes(metric: Metric, series: Series, format: Format): string[] {
  const labels = series.labels.map(([name, value]) => `${name}="${labelValue(value)}"`).join(",")
  const braced = labels === "" ? "" : `{${labels}}`
  if (metric.type !== "histogram") return [`${metric.name}${braced} `]
  const comma = labels === "" ? "" : `${labels},`
  const buckets = Array.from({ length: BUCKET_COUNT }, (_, bucket) => {
    return `${metric.name}_bucket{${comma}le="${boundText(DURATION_BOUNDS[bucket], format)}"} `
  })
  return [...buckets, `${metric.name}_sum${braced} `, `${metric.name}_count${braced} `]
}
