import { DURATION_BOUNDS, type METRICS } from "../../../mesh/catalogue.ts"
import type { Series, Snapshot } from "../../../mesh/snapshot.ts"
import { type Counts, countsOf, type Labels } from "./counts.ts"

/** Sums of a counter or gauge by the named labels. */
export function exposed(snapshot: Snapshot, metric: keyof typeof METRICS, names: readonly string[]): Counts {
  return summed(snapshot, metric, names, ({ slot }) => snapshot.values[slot] ?? 0)
}

/** How many observations a histogram holds by the named labels. */
export function observed(snapshot: Snapshot, metric: keyof typeof METRICS, names: readonly string[]): Counts {
  return summed(snapshot, metric, names, ({ bucketAt }) =>
    snapshot.buckets
      .subarray(bucketAt, bucketAt + DURATION_BOUNDS.length + 1)
      .reduce((all, count) => all + count, 0),
  )
}

/** Durations of the series with these labels, in buckets: `DURATION_BOUNDS`, and one for all above. */
export function durations({ families, buckets }: Snapshot, wanted: Labels): readonly number[] {
  const series = families.find(({ key }) => key === "duration")?.series ?? []
  const taken = series.filter(({ labels }) => {
    const own = new Map(labels)
    return Object.entries(wanted).every(([name, value]) => own.get(name) === value)
  })
  return Array.from({ length: DURATION_BOUNDS.length + 1 }, (_, at) =>
    taken.reduce((sum, { bucketAt }) => sum + (buckets[bucketAt + at] ?? 0), 0),
  )
}

function summed(
  { families }: Snapshot,
  metric: keyof typeof METRICS,
  names: readonly string[],
  count: (series: Series) => number,
): Counts {
  const series = families.find(({ key }) => key === metric)?.series ?? []
  return countsOf(
    series.map((one) => [Object.fromEntries(one.labels), count(one)] as const),
    names,
  )
}
