import type { Metric } from "#mesh/catalogue.ts"
import { METRICS } from "#mesh/catalogue.ts"
import { widthOf } from "./cells.ts"
import type { JournalSeries } from "./journal.ts"
import type { LabelMatch, SeriesLabels } from "./series-store.ts"

export interface Series {
  readonly id: number
  readonly metric: Metric
  readonly labels: SeriesLabels
  /** First of `widthOf(metric)` cells. */
  readonly cell: number
  /** When it was last written to, ms. */
  lastMs: number
}

/** All series by number, by name and by metric. `version` changes when one comes or goes. */
export interface SeriesIndex {
  readonly byId: (Series | undefined)[]
  readonly byKey: Map<string, Series>
  readonly byMetric: Map<string, Set<Series>>
  readonly freeIds: number[]
  readonly freeCells: Map<number, number[]>
  version: number
}

export function makeIndex(): SeriesIndex {
  return {
    byId: [],
    byKey: new Map(),
    byMetric: new Map(),
    freeIds: [],
    freeCells: new Map(),
    version: 0,
  }
}

const byName: ReadonlyMap<string, Metric> = new Map(
  Object.values(METRICS).map((metric) => [metric.name, metric] as const),
)

/** The catalogue's metric of this name. */
export function metricNamed(name: string): Metric | undefined {
  return byName.get(name)
}

/** Labels in one text, sorted by name: equal labels, equal text. */
export function labelsText(labels: SeriesLabels): string {
  return JSON.stringify([...labels].filter(([, value]) => value !== "").toSorted(compareNames))
}

function compareNames(a: readonly [string, string], b: readonly [string, string]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0
}

export function seriesKey(metric: Metric, text: string): string {
  return `${metric.name}\u0000${text}`
}

export function insertSeries(index: SeriesIndex, series: Series, text: string): void {
  while (index.byId.length <= series.id) index.byId.push(undefined)
  index.byId[series.id] = series
  index.byKey.set(seriesKey(series.metric, text), series)
  const same = index.byMetric.get(series.metric.name)
  if (same === undefined) index.byMetric.set(series.metric.name, new Set([series]))
  else same.add(series)
  index.version++
}

/** Takes a series out; its number and cells may then be given to another. */
export function removeSeries(index: SeriesIndex, series: Series): void {
  index.byId[series.id] = undefined
  index.byKey.delete(seriesKey(series.metric, labelsText(series.labels)))
  index.byMetric.get(series.metric.name)?.delete(series)
  index.freeIds.push(series.id)
  const width = widthOf(series.metric)
  const free = index.freeCells.get(width)
  if (free === undefined) index.freeCells.set(width, [series.cell])
  else free.push(series.cell)
  index.version++
}

/** A kept series; undefined when its metric is no more or its labels cannot be read. */
export function seriesOf(row: JournalSeries): { series: Series; text: string } | undefined {
  const metric = metricNamed(row.metric)
  if (metric === undefined) return undefined
  try {
    const pairs: unknown = JSON.parse(row.labels)
    if (!Array.isArray(pairs)) return undefined
    const labels = new Map(
      pairs.map((pair: unknown) => {
        if (!Array.isArray(pair) || typeof pair[0] !== "string" || typeof pair[1] !== "string")
          throw new TypeError("not a pair of texts")
        return [pair[0], pair[1]] as const
      }),
    )
    return { series: { id: row.id, metric, labels, cell: row.cell, lastMs: row.lastMs }, text: row.labels }
  } catch {
    return undefined
  }
}

export function matches(labels: SeriesLabels, match: LabelMatch | undefined): boolean {
  if (match === undefined) return true
  for (const [name, wanted] of Object.entries(match)) {
    const value = labels.get(name) ?? ""
    if (typeof wanted === "string" ? value !== wanted : !wanted.includes(value)) return false
  }
  return true
}
