import { BUCKET_COUNT } from "../histogram.ts"
import type { Snapshot } from "../snapshot.ts"

/** One series at one moment. `value`: of a histogram how many it holds. */
export interface Sample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

/** What was exposed at one moment: by an agent's page, or by its ledger. Keys name a series. */
export type Samples = ReadonlyMap<string, Sample>

/** All series that are committed. */
export function ledgerSamples(snapshot: Snapshot): Samples {
  const samples = new Map<string, Sample>()
  for (const { metric, series } of snapshot.families) {
    for (const { slot, bucketAt, labels } of series) {
      const value =
        bucketAt < 0
          ? (snapshot.values[slot] ?? 0)
          : snapshot.buckets
              .subarray(bucketAt, bucketAt + BUCKET_COUNT)
              .reduce((sum, count) => sum + count, 0)
      samples.set(String(slot), { name: metric.name, labels: new Map(labels), value })
    }
  }
  return samples
}
