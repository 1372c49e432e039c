import { COMMON_LABELS } from "#mesh/catalogue.ts"
import type { MetricSet } from "#mesh/cloudwatch/metric-set.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"
import { dimensionValue, NO_VALUE, OVERFLOW } from "./dimension-value.ts"

/** One choice of values for the dimensions of a set: what one document tells. Labels that are no dimensions are summed over. */
export interface Group {
  /** Unique among all groups, the same after a restart. */
  readonly key: string
  readonly set: MetricSet
  readonly mesh: string
  /** Of the set's dimensions, as CloudWatch takes them. */
  readonly values: readonly string[]
  /** Takes what is too much for the cap; a group without names of its own is its own overflow. */
  readonly overflow: boolean
  /** Per metric of the set: an amount, or counts per bucket and last the sum. NaN and undefined: nothing came. */
  readonly sums: (number | Float64Array | undefined)[]
  /** First metric, over a decaying window. */
  weight: number
  member: boolean
  /** Of the metrics, one bit each: those that were told in this month. */
  toldMonth: number
  /** Forgotten: whoever holds it has to look it up again. */
  gone: boolean
}

export function makeGroup(set: MetricSet, mesh: string, values: readonly string[], overflow: boolean): Group {
  return {
    key: groupKey(set, values),
    set,
    mesh,
    values,
    overflow,
    sums: set.metrics.map(() => undefined),
    weight: 0,
    member: false,
    toldMonth: 0,
    gone: false,
  }
}

export function groupKey(set: MetricSet, values: readonly string[]): string {
  return JSON.stringify([set.name, ...values])
}

/** Values of a set's dimensions for a series. */
export function valuesOf(set: MetricSet, labels: ReadonlyMap<string, string>): string[] {
  return set.dimensions.map(({ label, fixed }) => fixed ?? dimensionValue(labels.get(label) ?? NO_VALUE))
}

/** Values of the set that sums what is folded: what is common to all stays, names become `(overflow)`. */
export function overflowValues(set: MetricSet, values: readonly string[], mesh: string): string[] {
  return set.dimensions.map(({ label, fixed }, at) => {
    if (fixed !== undefined) return fixed
    if (label === "mesh") return mesh
    return COMMON_LABELS.some((common) => common === label) ? (values[at] ?? "") : OVERFLOW
  })
}

/** Whether a set has a dimension that can be folded. */
export function hasNames(set: MetricSet): boolean {
  return set.dimensions.some(
    ({ label, fixed }) => fixed === undefined && !COMMON_LABELS.some((common) => common === label),
  )
}

export function addAmount(group: Group, metric: number, amount: number): void {
  const sum = group.sums[metric]
  group.sums[metric] = (typeof sum === "number" ? sum : 0) + amount
}

export function addCounts(group: Group, metric: number, counts: Float64Array, seconds: number): void {
  let sum = group.sums[metric]
  if (!(sum instanceof Float64Array)) group.sums[metric] = sum = new Float64Array(BUCKET_COUNT + 1)
  for (let bucket = 0; bucket < BUCKET_COUNT; bucket++)
    sum[bucket] = (sum[bucket] ?? 0) + (counts[bucket] ?? 0)
  sum[BUCKET_COUNT] = (sum[BUCKET_COUNT] ?? 0) + seconds
}

/** Adds all that came for `from` to `into`, and empties it. */
export function pour(from: Group, into: Group): void {
  for (const [metric, sum] of from.sums.entries()) {
    if (typeof sum === "number") addAmount(into, metric, sum)
    else if (sum !== undefined) addCounts(into, metric, sum, sum[BUCKET_COUNT] ?? 0)
  }
  empty(from)
}

export function empty(group: Group): void {
  group.sums.fill(undefined)
}

/** What the groups are ranked by: the set's first metric, a histogram by its count. */
export function sizeOf({ sums: [first] }: Group): number {
  if (typeof first === "number") return Math.max(0, first)
  return first === undefined ? 0 : first.subarray(0, BUCKET_COUNT).reduce((all, count) => all + count, 0)
}
