import { BUCKET_COUNT, bucketOf } from "#mesh/histogram.ts"
import type { FoldedHistogram } from "#mesh/stats.ts"

/** Collects Envoy's bins of one histogram into the buckets of `DURATION_BOUNDS`. */
export interface BinFold extends FoldedHistogram {
  sumSeconds: number
}

export function makeBinFold(): BinFold {
  return { counts: new Float64Array(BUCKET_COUNT), sumSeconds: 0 }
}

export function clearFold(fold: BinFold): void {
  fold.counts.fill(0)
  fold.sumSeconds = 0
}

/**
 * Adds a bin `[lower, lower + width)`, milliseconds. Envoy's bins are log-linear (libcircllhist: two significant
 * digits), and every bound of ours is a boundary between two of them; so the middle of a bin tells its bucket, also
 * where a boundary is printed as 490.00000000000006. A bin of width 0 holds zeros.
 */
export function addBin(fold: BinFold, lowerMs: number, widthMs: number, count: number): void {
  const seconds = (lowerMs + widthMs / 2) / 1000
  if (!(seconds >= 0 && seconds < Infinity && count > 0 && count < Infinity)) return
  const bucket = bucketOf(seconds)
  fold.counts[bucket] = (fold.counts[bucket] ?? 0) + count
  fold.sumSeconds += seconds * count
}
