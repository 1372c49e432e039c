import { samplesOf } from "../../../demo/exposition.ts"
import { type Counts, keyText } from "./exposed.ts"

/** Sums of one metric of a Prometheus page by the named labels, without zeros; the page's side of `truthRequests`. */
export function pageCounts(page: string, metric: string, names: readonly string[]): Counts {
  const counts: Counts = {}
  for (const { labels, count } of samplesOf(page, metric)) {
    const key = keyText(labels, names)
    counts[key] = (counts[key] ?? 0) + count
  }
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0))
}

/** The sum of one metric over all its series. */
export function pageTotal(page: string, metric: string): number {
  return samplesOf(page, metric).reduce((sum, { count }) => sum + count, 0)
}
