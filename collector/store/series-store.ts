import type { Metric } from "#mesh/catalogue.ts"

/** Number of a series in its store; `REFUSED` when the store is full. Valid as long as the series is written to at least once an hour. */
export type SeriesRef = number
export const REFUSED: SeriesRef = -1

/** Labels without `agent` and without empty ones. A Map, so that no name can reach a prototype. */
export type SeriesLabels = ReadonlyMap<string, string>

/** What a label must be: one text, or one of several. The empty text also takes series without the label. */
export type LabelMatch = Readonly<Record<string, string | readonly string[]>>

export interface RangeQuery {
  readonly metric: Metric
  readonly match?: LabelMatch
  /** Labels to group by; all others are added up. */
  readonly by: readonly string[]
  /** [fromMs, toMs), rounded down to the store's step. */
  readonly fromMs: number
  readonly toMs: number
  /** A multiple of the store's step; absent: one step over the whole range. Below a minute it reaches back one hour. */
  readonly stepMs?: number
}

export interface RangeGroup {
  /** Values of `by`, in its order; the empty text where a series has no such label. */
  readonly labels: readonly string[]
  /** Increase per step: `steps` values, or `steps * HISTOGRAM_WIDTH` for histograms (buckets, +Inf, then the sum). */
  readonly values: Float64Array
  /** When any series of the group was last written to, ms. */
  readonly lastMs: number
}

export interface RangeAnswer {
  readonly fromMs: number
  readonly toMs: number
  readonly stepMs: number
  readonly steps: number
  /** Values per step: 1, or `HISTOGRAM_WIDTH`. */
  readonly width: number
  /** Also groups whose series did not move in the range. */
  readonly groups: readonly RangeGroup[]
}

/** A gauge as one agent last told it; gauges of several agents are never added here. */
export interface GaugeRow {
  readonly labels: SeriesLabels
  readonly agent: string
  readonly value: number
  /** When it was last told and when it last changed, by our clock, ms. */
  readonly atMs: number
  readonly sinceMs: number
}

export interface StoreHealth {
  readonly series: number
  readonly seriesLimit: number
  /** Asked for above the limit, since start. */
  readonly seriesRefused: number
  /** A sentence while nothing can be written, else undefined. What is shown stays right; a restart would lose it. */
  readonly problem: string | undefined
  readonly lastCommitMs: number | undefined
  readonly bytes: number
  /** Rows that were damaged and left out at the last start. */
  readonly damaged: number
  /** Increments too old for the memory, counted at its oldest step. */
  readonly late: number
}

/**
 * Where increments and gauges live. Times are the receiver's own clock, never a sender's. Amounts are increments, so
 * that several agents add up; who sent a counter is not kept.
 *
 * Promises: what was written shows in a query once its step is over (`advance`); a step over is on disk before
 * `advance` returns, or `health` says why not; what is staged is on disk with the same transaction as the increments
 * written before. Nothing here throws after the store was opened.
 */
export interface SeriesStore {
  readonly stepMs: number
  /** Goes up by one each time that a step is over: the key for caches of answers. */
  readonly generation: number
  /** End of the newest step that is over, ms; the newest `toMs` that holds anything. */
  readonly endMs: number

  series(metric: Metric, labels: SeriesLabels): SeriesRef
  /** Counters. `amount` 0 keeps the series alive. `sinceMs`: it happened between then and `atMs`, and is spread evenly. */
  add(ref: SeriesRef, amount: number, atMs: number, sinceMs?: number): void
  /** Histograms: `counts` per bucket, +Inf last, not cumulated. */
  observe(ref: SeriesRef, counts: Float64Array, sum: number, atMs: number, sinceMs?: number): void
  set(ref: SeriesRef, agent: string, value: number, atMs: number): void
  retire(ref: SeriesRef, agent: string): void

  /** Bytes of somebody else to keep with the next commit, e.g. how far each agent was read. Empty bytes forget the key. */
  stage(key: string, bytes: Uint8Array): void
  /** What was staged before a restart. */
  restored(): ReadonlyMap<string, Uint8Array>
  /** Ends all steps before `nowMs`. Answers whether one ended. */
  advance(nowMs: number): boolean

  query(query: RangeQuery): Promise<RangeAnswer>
  gauges(metric: Metric, match?: LabelMatch): Promise<readonly GaugeRow[]>
  /** Distinct values of one label, sorted. */
  labels(metric: Metric, label: string): Promise<readonly string[]>
  /** Labels and number of one series, for whoever kept its number over a restart. */
  describe(ref: SeriesRef): { readonly metric: string; readonly labels: SeriesLabels } | undefined
  health(): StoreHealth
  /** Writes what is under way, also of the step that is not over. */
  close(): void
}
