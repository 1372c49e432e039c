import type { Metric } from "#mesh/catalogue.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { BUCKETS, type Cells, clearCells, growCells, makeCells, widthOf } from "./cells.ts"
import { expireGauges, type Gauges, gaugeRows, gaugesBytes, setGauge } from "./gauges.ts"
import { candidates, type Grouping, makeGroupings } from "./grouping.ts"
import type { Journal, JournalBatch, JournalRow, JournalSeries } from "./journal.ts"
import { addLate, type Late, makeLate } from "./late.ts"
import { addJournal, addRings, answerOf, makeSums, type TickRange } from "./range.ts"
import { restore } from "./restore.ts"
import { endStep, lateRows, minuteRow } from "./rollup.ts"
import {
  insertSeries,
  labelsText,
  removeSeries,
  type Series,
  type SeriesIndex,
  seriesKey,
} from "./series-index.ts"
import {
  type GaugeRow,
  type LabelMatch,
  type RangeAnswer,
  type RangeQuery,
  REFUSED,
  type SeriesLabels,
  type SeriesRef,
  type SeriesStore,
  type StoreHealth,
} from "./series-store.ts"
import { type BlobWriter, makeBlobWriter } from "./tick-blob.ts"

export interface EmbeddedStoreConfig {
  /** Length of a step in memory, ms; a minute holds at least two, and whole ones. */
  readonly stepMs: number
  readonly maxSeries: number
}

const HOUR_MS = 3_600_000
export const MINUTE_MS = 60_000
const DAY_MS = 24 * HOUR_MS
/** A series is forgotten when the last rows that may speak of it are gone. */
const FORGET_MS = DAY_MS + HOUR_MS

/** Windows in memory (an hour of steps) and a journal of a day. One writer; reads see whole steps only. */
export class EmbeddedStore implements SeriesStore {
  readonly stepMs: number
  readonly #maxSeries: number
  readonly #journal: Journal
  readonly #index: SeriesIndex
  readonly #cells: Cells
  readonly #gauges: Gauges
  readonly #grouping: (query: RangeQuery) => Grouping
  readonly #writer: BlobWriter = makeBlobWriter()
  readonly #late: Late
  readonly #kept: Map<string, Uint8Array>
  /** The step that is not over, in steps since the epoch. */
  #tick: number
  /** The open step has a part from before a restart. */
  #begun: boolean
  #generation = 0
  #refused = 0
  #damaged = 0
  #problem: string | undefined
  #lastCommitMs: number | undefined
  /** Rows that wait for a journal that can be written. */
  #rows: JournalRow[] = []
  #newSeries: Series[] = []
  #forgotten: number[] = []
  #staged = new Map<string, Uint8Array>()

  /** @param nowMs the receiver's clock; everything older than a day is left in the journal for the next trim. */
  constructor(config: EmbeddedStoreConfig, journal: Journal, nowMs: number) {
    this.stepMs = config.stepMs
    this.#maxSeries = config.maxSeries
    this.#journal = journal
    this.#cells = makeCells(HOUR_MS / config.stepMs)
    const restored = restore(journal, this.#cells, config.stepMs, Math.floor(nowMs / config.stepMs))
    this.#tick = restored.tick
    this.#begun = restored.begun
    this.#rows.push(...restored.rows)
    this.#index = restored.index
    this.#gauges = restored.gauges
    this.#kept = restored.kept
    this.#damaged = restored.damaged
    this.#late = makeLate()
    this.#grouping = makeGroupings(this.#index)
  }

  get generation(): number {
    return this.#generation
  }

  get endMs(): number {
    return this.#tick * this.stepMs
  }

  series(metric: Metric, labels: SeriesLabels): SeriesRef {
    const text = labelsText(labels)
    const known = this.#index.byKey.get(seriesKey(metric, text))
    if (known !== undefined) return known.id
    if (this.#index.byKey.size >= this.#maxSeries) {
      this.#refused++
      return REFUSED
    }
    const width = widthOf(metric)
    const series: Series = {
      id: this.#index.freeIds.pop() ?? this.#index.byId.length,
      metric,
      labels: new Map([...labels].filter(([, value]) => value !== "")),
      cell: this.#index.freeCells.get(width)?.pop() ?? growCells(this.#cells, width),
      lastMs: this.endMs,
    }
    insertSeries(this.#index, series, text)
    this.#newSeries.push(series)
    return series.id
  }

  add(ref: SeriesRef, amount: number, atMs: number, sinceMs = atMs): void {
    const series = this.#index.byId[ref]
    if (series === undefined || series.metric.type !== "counter") return
    series.lastMs = atMs
    if (amount > 0) this.#count(series.cell, amount, sinceMs)
  }

  observe(ref: SeriesRef, counts: Float64Array, sum: number, atMs: number, sinceMs = atMs): void {
    const series = this.#index.byId[ref]
    if (series === undefined || series.metric.type !== "histogram") return
    series.lastMs = atMs
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = counts[bucket] ?? 0
      if (count > 0) this.#count(series.cell + bucket, count, sinceMs)
    }
    if (sum > 0) this.#count(series.cell + BUCKETS, sum, sinceMs)
  }

  /** Into the open step, or spread from the step of `sinceMs` to the open one. */
  #count(cell: number, amount: number, sinceMs: number): void {
    const since = Math.floor(sinceMs / this.stepMs)
    if (since >= this.#tick) this.#cells.open[cell] = (this.#cells.open[cell] ?? 0) + amount
    else addLate(this.#late, this.#cells, cell, amount, since, this.#tick)
  }

  set(ref: SeriesRef, agent: string, value: number, atMs: number): void {
    const series = this.#index.byId[ref]
    if (series === undefined || series.metric.type !== "gauge") return
    series.lastMs = atMs
    setGauge(this.#gauges, ref, agent, value, atMs)
  }

  retire(ref: SeriesRef, agent: string): void {
    this.#gauges.get(ref)?.delete(agent)
  }

  stage(key: string, bytes: Uint8Array): void {
    this.#staged.set(key, bytes)
  }

  restored(): ReadonlyMap<string, Uint8Array> {
    return this.#kept
  }

  advance(nowMs: number): boolean {
    const now = Math.floor(nowMs / this.stepMs)
    if (now <= this.#tick) return false
    const perMinute = MINUTE_MS / this.stepMs
    this.#rows.push(...lateRows(this.#late, this.#writer, this.stepMs, this.#tick))
    // After a long sleep only the last hour of steps has anything to clear.
    const first = this.#tick
    let minuteOver = false
    for (let tick = first; tick < now && tick <= first + this.#cells.steps; tick++) {
      const blob = endStep(this.#cells, this.#writer, tick, this.#begun)
      this.#begun = false
      if (blob !== undefined) this.#rows.push({ atMs: tick * this.stepMs, stepMs: this.stepMs, blob })
      if ((tick + 1) % perMinute !== 0) continue
      minuteOver = true
      const row = minuteRow(this.#cells, this.#writer, tick + 1 - perMinute, perMinute, this.stepMs)
      if (row !== undefined) this.#rows.push(row)
    }
    this.#tick = now
    this.#generation++
    if (minuteOver) this.#tidy()
    this.#commit()
    if (minuteOver) this.#trim()
    return true
  }

  /** Once a minute: memory of what fell silent, and gauges for the next start. */
  #tidy(): void {
    const now = this.endMs
    const keepTimes = Math.floor(now / MINUTE_MS) % 10 === 0
    // A little later than writers let go of a silent series, so that none still holds its number.
    for (const series of expireGauges(this.#gauges, this.#index, now - HOUR_MS - 2 * MINUTE_MS))
      this.#forget(series)
    for (const series of this.#index.byId) {
      if (series === undefined || series.metric.type === "gauge") continue
      if (series.lastMs < now - FORGET_MS) this.#forget(series)
      else if (series.lastMs < now - HOUR_MS - MINUTE_MS)
        clearCells(this.#cells, series.cell, widthOf(series.metric))
      else if (keepTimes) this.#newSeries.push(series)
    }
    this.#staged.set("gauges", gaugesBytes(this.#gauges))
  }

  #forget(series: Series): void {
    clearCells(this.#cells, series.cell, widthOf(series.metric))
    removeSeries(this.#index, series)
    this.#forgotten.push(series.id)
  }

  #commit(): void {
    const batch: JournalBatch = {
      series: [...new Set(this.#newSeries)].filter(({ id }) => this.#index.byId[id] !== undefined).map(kept),
      forgotten: this.#forgotten.filter((id) => this.#index.byId[id] === undefined),
      rows: this.#rows,
      kept: this.#staged,
    }
    try {
      this.#journal.commit(batch)
    } catch (error) {
      this.#problem = error instanceof MeshscopeError ? error.message : String(error)
      // An hour of steps waits for better times; older increments would be lost by a restart anyway.
      if (this.#rows.length > this.#cells.steps * 2) this.#rows.splice(0, this.#cells.steps)
      return
    }
    this.#rows = []
    this.#newSeries = []
    this.#forgotten = []
    this.#staged = new Map()
    this.#problem = undefined
    this.#lastCommitMs = this.endMs
  }

  #trim(): void {
    try {
      this.#journal.trim(this.stepMs, this.endMs - HOUR_MS - MINUTE_MS)
      this.#journal.trim(MINUTE_MS, this.endMs - DAY_MS)
    } catch (error) {
      this.#problem = error instanceof MeshscopeError ? error.message : String(error)
    }
  }

  query(query: RangeQuery): Promise<RangeAnswer> {
    const grouping = this.#grouping(query)
    const range = this.#range(query)
    const sums = makeSums(grouping, range)
    const end = Math.min(this.#tick, range.fromTick + range.steps * range.perStep)
    const oldest = this.#tick - this.#cells.steps
    const perMinute = MINUTE_MS / this.stepMs
    // The journal speaks of whole minutes: rings answer from the first minute that they hold whole.
    const seam = Math.ceil(oldest / perMinute) * perMinute
    const fromRings = range.fromTick >= oldest ? range.fromTick : Math.max(range.fromTick, seam)
    if (range.fromTick < oldest)
      addJournal(sums, this.#cells, this.#journal, MINUTE_MS, {
        from: range.fromTick,
        to: Math.min(seam, end),
      })
    addRings(sums, this.#cells, { from: fromRings, to: end })
    return Promise.resolve(answerOf(sums))
  }

  #range(query: RangeQuery): TickRange {
    const perMinute = MINUTE_MS / this.stepMs
    let fromTick = Math.floor(query.fromMs / this.stepMs)
    const toTick = Math.max(fromTick, Math.floor(query.toMs / this.stepMs))
    const whole = Math.max(1, toTick - fromTick)
    let perStep = query.stepMs === undefined ? whole : Math.max(1, Math.floor(query.stepMs / this.stepMs))
    const oldest = this.#tick - this.#cells.steps
    if (fromTick < oldest) {
      if (query.stepMs !== undefined && perStep % perMinute !== 0) fromTick = Math.min(oldest, toTick)
      else {
        const aligned = Math.floor(fromTick / perMinute) * perMinute
        if (query.stepMs === undefined) perStep += fromTick - aligned
        fromTick = aligned
      }
    }
    const steps = Math.floor(Math.max(0, toTick - fromTick) / perStep)
    return { fromTick, toTick, perStep, steps, tickMs: this.stepMs }
  }

  gauges(metric: Metric, match?: LabelMatch): Promise<readonly GaugeRow[]> {
    return Promise.resolve(gaugeRows(this.#gauges, this.#index, metric.name, match))
  }

  labels(metric: Metric, label: string): Promise<readonly string[]> {
    const values = new Set<string>()
    for (const series of candidates(this.#index, metric.name, undefined)) {
      const value = series.labels.get(label)
      if (value !== undefined) values.add(value)
    }
    return Promise.resolve([...values].toSorted())
  }

  describe(ref: SeriesRef): { readonly metric: string; readonly labels: SeriesLabels } | undefined {
    const series = this.#index.byId[ref]
    return series === undefined ? undefined : { metric: series.metric.name, labels: series.labels }
  }

  health(): StoreHealth {
    return {
      series: this.#index.byKey.size,
      seriesLimit: this.#maxSeries,
      seriesRefused: this.#refused,
      problem: this.#problem,
      lastCommitMs: this.#lastCommitMs,
      bytes: this.#journal.bytes(),
      damaged: this.#damaged,
      late: this.#late.clamped,
    }
  }

  close(): void {
    this.#rows.push(...lateRows(this.#late, this.#writer, this.stepMs, this.#tick))
    const blob = endStep(this.#cells, this.#writer, this.#tick, this.#begun)
    if (blob !== undefined) this.#rows.push({ atMs: this.endMs, stepMs: this.stepMs, blob })
    this.#tidy()
    this.#commit()
    this.#journal.close()
  }
}

function kept(series: Series): JournalSeries {
  return {
    id: series.id,
    cell: series.cell,
    metric: series.metric.name,
    labels: labelsText(series.labels),
    lastMs: series.lastMs,
  }
}
