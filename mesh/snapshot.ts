import type { Metric, MetricKey } from "./catalogue.ts"

/** One series as it is exposed. Immutable: a series that leaves and comes back is a new object with a new slot. */
export interface Series {
  /** Index into the arrays of `Snapshot`. Never used for another series while the process lives; a restored series keeps its own. */
  readonly slot: number
  /** Names and values in the order of the catalogue (common labels first); empty ones are left out. */
  readonly labels: readonly (readonly [name: string, value: string])[]
  /** Since when it counts, ms since epoch. Kept over restarts. For a gauge, when it was first set. */
  readonly startMs: number
  /** Generation of the commit that first exposed it; of one that was restored, not after the generation at the start. */
  readonly born: number
  /** Where a histogram's counts begin in `Snapshot.buckets`; -1 for counters and gauges. */
  readonly bucketAt: number
}

/** All series of one metric. */
export interface Family {
  readonly key: MetricKey
  readonly metric: Metric
  /** New series are appended, so later ones were born later. While `removals` stays the same, the series at an index stays the same. */
  readonly series: readonly Series[]
  readonly removals: number
}

/** A request that stands for a histogram: the newest with a trace id. */
export interface Exemplar {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string
  readonly seconds: number
  readonly timeMs: number
}

/**
 * What was last committed, as sinks read it. A live view: the arrays change with the next commit (and may be replaced
 * when they grow), so read them through the snapshot and do not hold them over an `await` without looking at
 * `generation` again.
 */
export interface Snapshot {
  /** Number of the last commit that changed something; starts at 1 with the first. */
  readonly generation: number
  /** Wall clock of the last commit that worked, ms; 0 before. Values are as of this time. */
  readonly timeMs: number
  /** In the order of the catalogue; families without a series are there and empty. */
  readonly families: readonly Family[]
  /** By slot: a counter's or gauge's value, a histogram's sum of seconds. */
  readonly values: Float64Array
  /** By slot: generation of the last change. Send and render what is greater than what was done. */
  readonly changed: Uint32Array
  /** From `Series.bucketAt`: `BUCKET_COUNT` counts per histogram, not cumulative. Bounds are `DURATION_BOUNDS`. */
  readonly buckets: Float64Array
  exemplar(slot: number): Exemplar | undefined
}
