import { DURATION_BOUNDS } from "./catalogue.ts"

/** A histogram with explicit upper bounds. Plain data: two of the same bounds can be added and subtracted. */
export interface Histogram {
  /** Ascending upper bounds, inclusive; +Inf follows. */
  readonly bounds: readonly number[]
  /** Observations per bucket, not cumulative; one more than `bounds`. */
  readonly counts: Float64Array
  /** Sum of all observed values. */
  sum: number
}

/** Counts per series of a duration histogram: one per bound and one for +Inf. */
export const BUCKET_COUNT = DURATION_BOUNDS.length + 1

/** An empty histogram. */
export function makeHistogram(bounds: readonly number[] = DURATION_BOUNDS): Histogram {
  return { bounds, counts: new Float64Array(bounds.length + 1), sum: 0 }
}

/** Index of the bucket that takes `value`: the first whose bound is not below it. NaN falls into the last one. */
export function bucketOf(value: number, bounds: readonly number[] = DURATION_BOUNDS): number {
  let index = 0
  while (index < bounds.length && !(value <= (bounds[index] ?? Infinity))) index++
  return index
}

/** Adds `count` observations of `value`. NaN is no observation. */
export function observe(into: Histogram, value: number, count = 1): void {
  if (Number.isNaN(value)) return
  const bucket = bucketOf(value, into.bounds)
  into.counts[bucket] = (into.counts[bucket] ?? 0) + count
  into.sum += value * count
}

/** How many observations the histogram holds. */
export function countOf(histogram: Histogram): number {
  return histogram.counts.reduce((all, count) => all + count, 0)
}

/** Adds `other` to `into`. Throws a RangeError when the bounds differ: such counts cannot be added. */
export function merge(into: Histogram, other: Histogram): Histogram {
  requireSameBounds(into, other)
  for (const [index, count] of other.counts.entries()) into.counts[index] = (into.counts[index] ?? 0) + count
  into.sum += other.sum
  return into
}

/**
 * What came between two cumulative states. A bucket that fell means that the series began anew: then all of `later`
 * came since. Throws a RangeError when the bounds differ.
 */
export function diff(later: Histogram, earlier: Histogram): Histogram {
  requireSameBounds(later, earlier)
  const fell = later.counts.some((count, index) => count < (earlier.counts[index] ?? 0))
  const counts = fell
    ? later.counts.slice()
    : later.counts.map((count, index) => count - (earlier.counts[index] ?? 0))
  return { bounds: later.bounds, counts, sum: fell ? later.sum : later.sum - earlier.sum }
}

/** The value below which a share `q` (0 to 1) of the observations lies; see `quantileOf`. */
export function quantile(histogram: Histogram, q: number): number | undefined {
  return quantileOf(histogram.counts, 0, q, histogram.bounds)
}

/**
 * Quantile over `bounds.length + 1` counts from `offset`, linear inside a bucket; the first bucket starts at 0.
 * Undefined when there is no observation or `q` is not within 0 to 1. The last finite bound when it lies above:
 * the histogram knows nothing beyond.
 */
export function quantileOf(
  counts: Float64Array,
  offset: number,
  q: number,
  bounds: readonly number[] = DURATION_BOUNDS,
): number | undefined {
  let all = 0
  for (let index = 0; index <= bounds.length; index++) all += counts[offset + index] ?? 0
  if (!(all > 0) || !(q >= 0 && q <= 1)) return undefined
  const rank = q * all
  let below = 0
  for (let index = 0; index < bounds.length; index++) {
    const count = counts[offset + index] ?? 0
    if (count > 0 && below + count >= rank) {
      const low = index === 0 ? 0 : (bounds[index - 1] ?? 0)
      return low + ((bounds[index] ?? low) - low) * Math.max(0, (rank - below) / count)
    }
    below += count
  }
  return bounds.at(-1)
}

function requireSameBounds(a: Histogram, b: Histogram): void {
  const same = a.bounds.length === b.bounds.length && a.bounds.every((bound, i) => bound === b.bounds[i])
  if (!same) throw new RangeError("histograms with different bounds cannot be combined")
}
