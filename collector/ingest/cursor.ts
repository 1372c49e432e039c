import type { Metric } from "#mesh/catalogue.ts"
import type { SeriesRef } from "../store/series-store.ts"
import type { OtlpPoint } from "./otlp-point.ts"

/** How far one series of one agent was read. Cumulative values become increments against it. */
export interface Cursor {
  readonly ref: SeriesRef
  readonly metric: Metric
  /** The sender's clock, ms. `timeMs` 0: not known, after a restart of the collector. */
  startMs: number
  timeMs: number
  /** Last cumulative value; a histogram's sum. */
  value: number
  /** Histograms only: last cumulative counts per bucket. */
  readonly counts: Float64Array | undefined
  /** When a point last came, by our clock. */
  touchedMs: number
  /** The series may be another's by now: whoever still holds this cursor must look it up anew. */
  gone: boolean
}

/** What a point says against its cursor. `old`: overtaken by a newer one; nothing is counted. */
export type Step = "grown" | "reset" | "repeated" | "old"

/** Start times of one epoch may differ by rounding of nanoseconds. */
const SAME_START_MS = 1

/**
 * Judges a cumulative point. A value that grew is newer whatever its time says, so a sender's clock may step back; a
 * value that fell is a new beginning, unless the point is older than what was read already.
 */
export function judge(cursor: Cursor, point: OtlpPoint, total: number, fell: boolean, known: number): Step {
  if (point.startMs > cursor.startMs + SAME_START_MS) return "reset"
  if (point.startMs !== 0 && point.startMs < cursor.startMs - SAME_START_MS) return "old"
  if (fell) return point.timeMs < cursor.timeMs ? "old" : "reset"
  return total === known ? "repeated" : "grown"
}

/** Sum of counts: what a histogram is judged by. */
export function totalOf(counts: Float64Array): number {
  let total = 0
  for (const count of counts) total += count
  return total
}
