import { widthOf } from "./cells.ts"
import { matches, type Series, type SeriesIndex } from "./series-index.ts"
import type { LabelMatch, RangeQuery } from "./series-store.ts"

/** Which series add up into which group, kept until a series comes or goes. */
export interface Grouping {
  readonly version: number
  readonly labels: readonly (readonly string[])[]
  readonly members: readonly (readonly Series[])[]
  readonly width: number
}

/** Distinct questions that are remembered; views ask about twenty. */
const REMEMBERED = 128

export function makeGroupings(index: SeriesIndex): (query: RangeQuery) => Grouping {
  const known = new Map<string, Grouping>()
  return (query) => {
    const key = JSON.stringify([query.metric.name, query.by, query.match ?? null])
    const found = known.get(key)
    if (found !== undefined && found.version === index.version) return found
    known.delete(key)
    if (known.size >= REMEMBERED) known.delete(known.keys().next().value ?? "")
    const made = group(index, query)
    known.set(key, made)
    return made
  }
}

function group(index: SeriesIndex, query: RangeQuery): Grouping {
  const groups = new Map<string, { labels: readonly string[]; members: Series[] }>()
  for (const series of candidates(index, query.metric.name, query.match)) {
    const labels = query.by.map((name) => series.labels.get(name) ?? "")
    const key = labels.join("\u0000")
    const known = groups.get(key)
    if (known === undefined) groups.set(key, { labels, members: [series] })
    else known.members.push(series)
  }
  const all = [...groups.values()]
  return {
    version: index.version,
    labels: all.map((entry) => entry.labels),
    members: all.map((entry) => entry.members),
    width: widthOf(query.metric),
  }
}

export function* candidates(
  index: SeriesIndex,
  metric: string,
  match: LabelMatch | undefined,
): Iterable<Series> {
  for (const series of index.byMetric.get(metric) ?? []) if (matches(series.labels, match)) yield series
}
