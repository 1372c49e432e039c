import type { ToldMetric } from "./told-metrics.ts"

/** A dimension: a label under its name in CloudWatch, or a word that is always the same. */
export interface Dimension {
  readonly name: string
  /** The label that it is taken from. A series without it has `(none)`. */
  readonly label: string
  readonly fixed?: string
}

/** Some metrics and the dimensions that they are told by. Each distinct choice of values is one billed metric per name. */
export interface MetricSet {
  /** Unique among the sets of one configuration. */
  readonly name: string
  /** Labels that a series must have; undefined: any value. */
  readonly where: Readonly<Record<string, string | undefined>>
  readonly dimensions: readonly Dimension[]
  readonly metrics: readonly ToldMetric[]
}

/** Whether a series is one of those wanted: it has these labels, with any value where none is named. */
export function fits(
  labels: ReadonlyMap<string, string>,
  wanted: Readonly<Record<string, string | undefined>>,
): boolean {
  return Object.entries(wanted).every(([name, value]) =>
    value === undefined ? labels.has(name) : labels.get(name) === value,
  )
}
