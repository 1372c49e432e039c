import type { MetricType } from "#mesh/catalogue.ts"

/** One metric with its current values, ready to be written or sent. */
export interface OwnFamily {
  readonly name: string
  readonly type: MetricType
  readonly help: string
  readonly unit: string
  readonly points: readonly OwnPoint[]
}

export interface OwnPoint {
  readonly labels: Readonly<Record<string, string>>
  /** Counters and gauges; for a histogram its sum. */
  readonly value: number
  readonly histogram?: OwnHistogram
}

export interface OwnHistogram {
  /** Upper bounds, ascending; +Inf is not among them. */
  readonly bounds: readonly number[]
  /** Per bucket, not cumulative; one more than bounds. */
  readonly counts: readonly number[]
}
