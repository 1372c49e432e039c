import { COMMON_LABELS, METRICS, type Metric, type MetricKey } from "#mesh/catalogue.ts"
import type { Family, Series } from "#mesh/snapshot.ts"
import { type Cells, closeCell, freeBlock, KIND_OF, openCell } from "./cells.ts"
import type { Labels, Slot } from "./contract.ts"
import type { StoredSeries } from "./state-file.ts"

/** A series as the ledger knows it. */
export interface Entry {
  readonly key: MetricKey
  readonly text: string
  readonly series: GrowingSeries
  /** Its own labels as a flat list of names and values, as they are stored; without the agent's common ones. */
  readonly own: readonly string[]
  readonly overflow: boolean
}

/** `born` is 0 until the commit that exposes it. Values of older generations are another series'. */
interface GrowingSeries extends Series {
  born: number
}

interface GrowingFamily extends Family {
  series: Series[]
  removals: number
}

/** Who is who among the slots. Series wait in `fresh` and `gone` until a commit makes it so. */
export interface SeriesIndex {
  readonly entries: (Entry | undefined)[]
  readonly byText: Map<string, Slot>
  readonly families: readonly GrowingFamily[]
  readonly fresh: Set<Slot>
  readonly gone: Map<Slot, Entry>
  /** Blocks of retired histograms; free when the next commit has taken them out of view. */
  freeable: number[]
  /** Slots that no series of the state file uses. Only filled at the start: a slot is not used twice in one process. */
  readonly holes: Slot[]
  readonly common: Labels
  count: number
}

const KEYS = Object.keys(METRICS).filter((key): key is MetricKey => Object.hasOwn(METRICS, key))
const KEY_OF_NAME: ReadonlyMap<string, MetricKey> = new Map(KEYS.map((key) => [METRICS[key].name, key]))
const OVERFLOW = "overflow"
/** Longer values are cut, so that a name that a pod wrote cannot fill the memory. */
const MAX_VALUE_CHARS = 1024

/** The catalogue's key of a metric's name, or undefined when this version has no such metric. */
export function keyOfName(name: string): MetricKey | undefined {
  return KEY_OF_NAME.get(name)
}

export function makeSeriesIndex(common: Labels): SeriesIndex {
  return {
    entries: [undefined],
    byText: new Map(),
    families: KEYS.map((key) => ({ key, metric: METRICS[key], series: [], removals: 0 })),
    fresh: new Set(),
    gone: new Map(),
    freeable: [],
    holes: [],
    common,
    count: 0,
  }
}

/** The labels' values in the catalogue's order as a flat list. Throws a TypeError for a label that the metric has not. */
export function ownLabels(metric: Metric, labels: Labels): string[] {
  const flat: string[] = []
  let found = 0
  for (const name of [...COMMON_LABELS, ...metric.labels, OVERFLOW]) {
    if (!Object.hasOwn(labels, name)) continue
    found++
    const value = clean(labels[name] ?? "")
    if (value !== "") flat.push(name, value)
  }
  if (found !== Object.keys(labels).length) {
    throw new TypeError(`${metric.name} has no label of these: ${Object.keys(labels).join(", ")}`)
  }
  return flat
}

/** Adds a series at `slot`, not yet exposed. */
export function admit(
  index: SeriesIndex,
  cells: Cells,
  slot: Slot,
  made: Omit<Entry, "series">,
  since: Pick<Series, "startMs" | "born">,
): void {
  openCell(cells, slot, KIND_OF[METRICS[made.key].type])
  const block = cells.bucketAt[slot] ?? 0
  const series: GrowingSeries = {
    slot,
    labels: exposedLabels(METRICS[made.key], made.own, index.common),
    startMs: since.startMs,
    born: since.born,
    bucketAt: block === 0 ? -1 : block,
  }
  index.entries[slot] = { ...made, series }
  index.byText.set(made.text, slot)
  index.fresh.add(slot)
  if (!made.overflow) index.count++
}

/** Takes a series out; it stays exposed until the next commit. */
export function dismiss(index: SeriesIndex, cells: Cells, slot: Slot): void {
  const entry = index.entries[slot]
  if (entry === undefined) return
  index.entries[slot] = undefined
  index.byText.delete(entry.text)
  if (!index.fresh.delete(slot)) index.gone.set(slot, entry)
  if (!entry.overflow) index.count--
  index.freeable.push(closeCell(cells, slot))
}

/** Exposes what is fresh and takes out what is gone. */
export function settleFamilies(index: SeriesIndex, cells: Cells, generation: number): void {
  for (const block of index.freeable) freeBlock(cells, block)
  index.freeable = []
  if (index.gone.size > 0) {
    const touched = new Set([...index.gone.values()].map((entry) => entry.key))
    for (const family of index.families) {
      if (!touched.has(family.key)) continue
      family.series = family.series.filter((series) => !index.gone.has(series.slot))
      family.removals++
    }
    index.gone.clear()
  }
  if (index.fresh.size === 0) return
  const families = new Map(index.families.map((family) => [family.key, family]))
  for (const slot of index.fresh) {
    const entry = index.entries[slot]
    if (entry === undefined) continue
    if (entry.series.born === 0) entry.series.born = generation
    families.get(entry.key)?.series.push(entry.series)
  }
  index.fresh.clear()
}

/** Rows of the fresh series that are kept over a restart; gauges are not, whoever feeds them sets them again. */
export function storedBirths(index: SeriesIndex, generation: number): StoredSeries[] {
  const rows: StoredSeries[] = []
  for (const slot of index.fresh) {
    const entry = index.entries[slot]
    if (entry === undefined || METRICS[entry.key].type === "gauge") continue
    rows.push({
      id: slot,
      metric: METRICS[entry.key].name,
      labels: entry.own,
      startMs: entry.series.startMs,
      born: generation,
    })
  }
  return rows
}

/** Slots whose rows the next commit removes. */
export function storedDeaths(index: SeriesIndex): Slot[] {
  return [...index.gone].filter(([, entry]) => METRICS[entry.key].type !== "gauge").map(([slot]) => slot)
}

/** The text that makes a series unique. */
export function seriesText(key: MetricKey, own: readonly string[]): string {
  return `${key}\u0000${own.join("\u0000")}`
}

function exposedLabels(metric: Metric, own: readonly string[], common: Labels): Series["labels"] {
  const values = new Map(Object.entries(common).map(([name, value]) => [name, clean(value)]))
  for (let at = 0; at < own.length; at += 2) values.set(own[at] ?? "", own[at + 1] ?? "")
  return [...COMMON_LABELS, ...metric.labels, OVERFLOW].flatMap((name): [string, string][] => {
    const value = values.get(name) ?? ""
    return value === "" ? [] : [[name, value]]
  })
}

function clean(value: string): string {
  const cut = value.length > MAX_VALUE_CHARS ? `${value.slice(0, MAX_VALUE_CHARS - 1)}…` : value
  return cut.replaceAll("\u0000", "\uFFFD").toWellFormed()
}
