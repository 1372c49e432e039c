import { DURATION_BOUNDS } from "#mesh/catalogue.ts"
import { BUCKETS } from "../store/cells.ts"

/**
 * A quantile of bucketed durations in ms, straight within a bucket, as Prometheus' histogram_quantile does it.
 * `buckets` holds counts per bucket from `offset` on, +Inf last. null without a count. In the +Inf bucket the answer is
 * the last bound: at least that.
 */
export function quantileMs(buckets: Float64Array, quantile: number, offset = 0): number | null {
  let total = 0
  for (let index = 0; index < BUCKETS; index++) total += buckets[offset + index] ?? 0
  if (total === 0) return null
  const rank = quantile * total
  let below = 0
  for (let index = 0; index < DURATION_BOUNDS.length; index++) {
    const count = buckets[offset + index] ?? 0
    const upper = DURATION_BOUNDS[index] ?? 0
    if (below + count >= rank && count > 0) {
      const lower = index === 0 ? 0 : (DURATION_BOUNDS[index - 1] ?? 0)
      return round((lower + ((upper - lower) * (rank - below)) / count) * 1000)
    }
    below += count
  }
  return (DURATION_BOUNDS.at(-1) ?? 0) * 1000
}

/** To a hundredth of a millisecond: finer is invented by the interpolation. */
function round(ms: number): number {
  return Math.round(ms * 100) / 100
}
