import { samplesOf } from "../../../demo/exposition.ts"
import { type Counts, countsOf } from "./counts.ts"

/** Sums of one metric of a Prometheus page by the named labels, without zeros; the page's side of `truthRequests`. */
export function pageCounts(page: string, metric: string, names: readonly string[]): Counts {
  return countsOf(
    samplesOf(page, metric).map(({ labels, count }) => [labels, count] as const),
    names,
  )
}

/** The sum of one metric over all its series. */
export function pageTotal(page: string, metric: string): number {
  return samplesOf(page, metric).reduce((sum, { count }) => sum + count, 0)
}
