import { DURATION_BOUNDS } from "#mesh/catalogue.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"

/** A histogram as CloudWatch takes it: values, and how often each was seen. Both of one length. */
export interface ValueCounts {
  readonly values: readonly number[]
  readonly counts: readonly number[]
  /** Sum of values times counts. */
  readonly sum: number
  readonly count: number
}

/** A representative lies at least this share above its bucket's lower bound, which belongs to the bucket below. */
const LEAST_SHARE = 1e-3
const OPEN_SECONDS = (DURATION_BOUNDS.at(-1) ?? 0) * (1 + LEAST_SHARE)

/**
 * One value for each bucket that holds something. All lie at the same share of their bucket's width, chosen so that their
 * sum is the sum that was measured: CloudWatch's Average and Sum are then right, and a percentile is off by less than the
 * bucket that it falls into. The last bucket has no upper bound: its representative is just above its lower bound (300 s),
 * or, when the sum cannot be reached otherwise, what the sum leaves for it. Where the sum does not fit the buckets at all (counters
 * of Envoy, read at slightly different moments), the nearest share is taken and the sum is off.
 * @param counts `BUCKET_COUNT` counts from `offset`
 * @param sum seconds
 * @param scale what a second is in the metric's unit
 */
export function representatives(
  counts: Float64Array,
  offset: number,
  sum: number,
  scale: number,
): ValueCounts {
  const last = BUCKET_COUNT - 1
  const open = counts[offset + last] ?? 0
  let low = 0
  let width = 0
  for (let bucket = 0; bucket < last; bucket++) {
    const count = counts[offset + bucket] ?? 0
    low += lowerBound(bucket) * count
    width += (upperBound(bucket) - lowerBound(bucket)) * count
  }
  const share = clamp(width > 0 ? (sum - low - OPEN_SECONDS * open) / width : 1, LEAST_SHARE, 1)
  const left = open > 0 ? (sum - low - share * width) / open : 0
  const values: number[] = []
  const kept: number[] = []
  let total = 0
  let all = 0
  for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
    const count = counts[offset + bucket] ?? 0
    if (!(count > 0)) continue
    const bound = lowerBound(bucket)
    const seconds =
      bucket === last ? Math.max(OPEN_SECONDS, left) : bound + share * (upperBound(bucket) - bound)
    const value = seconds * scale
    values.push(value)
    kept.push(count)
    total += value * count
    all += count
  }
  return { values, counts: kept, sum: total, count: all }
}

const lowerBound = (bucket: number): number => (bucket === 0 ? 0 : (DURATION_BOUNDS[bucket - 1] ?? 0))
const upperBound = (bucket: number): number => DURATION_BOUNDS[bucket] ?? Number.POSITIVE_INFINITY
const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value))
