import { addPast, type Cells, growCells, widthOf } from "./cells.ts"
import { type Gauges, gaugesFrom } from "./gauges.ts"
import type { Journal, JournalRow } from "./journal.ts"
import { minuteRow } from "./rollup.ts"
import { insertSeries, makeIndex, type SeriesIndex, seriesOf } from "./series-index.ts"
import { isBlob, makeBlobWriter, readBlob } from "./tick-blob.ts"

const MINUTE_MS = 60_000

export interface Restored {
  readonly index: SeriesIndex
  readonly gauges: Gauges
  readonly kept: Map<string, Uint8Array>
  /** The step to open; `begun` when the last run wrote a part of it, which is in `cells`. */
  readonly tick: number
  readonly begun: boolean
  /** Minutes that were over but not rolled up when the last run ended. */
  readonly rows: readonly JournalRow[]
  /** Rows that were damaged and left out. */
  readonly damaged: number
}

/** Reads what the last run kept into `cells`: series, an hour of steps, gauges, and others' bytes. */
export function restore(journal: Journal, cells: Cells, stepMs: number, nowTick: number): Restored {
  const index = makeIndex()
  for (const row of journal.series()) {
    const read = seriesOf(row)
    if (read === undefined) continue
    insertSeries(index, read.series, read.text)
    growCells(cells, Math.max(0, row.cell + widthOf(read.series.metric) - cells.count))
  }
  freeGaps(index)
  const oldest = nowTick - cells.steps
  let damaged = 0
  let last = -1
  // The last run may have ended inside the step that is now open, or by a faster clock in the next one.
  for (const row of journal.rows(stepMs, oldest * stepMs, (nowTick + 2) * stepMs)) {
    const tick = Math.floor(row.atMs / stepMs)
    // The step ahead takes the place of the oldest one.
    if (tick > nowTick && last <= nowTick)
      for (const ring of cells.rings) ring?.fill(0, tick % cells.slots, (tick % cells.slots) + 1)
    if (isBlob(row.blob)) addRow(cells, row, tick)
    else damaged++
    last = Math.max(last, tick)
  }
  const kept = journal.kept()
  const gauges = gaugesFrom(kept.get("gauges"), index)
  const tick = Math.max(nowTick, last)
  return {
    index,
    gauges,
    kept,
    tick,
    begun: tick === last,
    rows: missingMinutes(journal, cells, stepMs, tick),
    damaged,
  }
}

function addRow(cells: Cells, row: JournalRow, tick: number): void {
  readBlob(row.blob, (cell, value) => {
    // A cell beyond all series belongs to one that was forgotten or whose row was lost.
    if (cell < cells.count) addPast(cells, cell, tick % cells.slots, value)
  })
}

/** Numbers between the kept ones may be given out again. */
function freeGaps(index: SeriesIndex): void {
  for (let id = index.byId.length - 1; id >= 0; id--) if (index.byId[id] === undefined) index.freeIds.push(id)
}

function missingMinutes(journal: Journal, cells: Cells, stepMs: number, tick: number): JournalRow[] {
  const perMinute = MINUTE_MS / stepMs
  const firstTick = Math.ceil((tick - cells.steps) / perMinute) * perMinute
  const rolled = new Set<number>()
  for (const row of journal.rows(MINUTE_MS, firstTick * stepMs, tick * stepMs)) rolled.add(row.atMs)
  const rows: JournalRow[] = []
  const writer = makeBlobWriter()
  for (let minute = firstTick; minute + perMinute <= tick; minute += perMinute) {
    if (rolled.has(minute * stepMs)) continue
    const row = minuteRow(cells, writer, minute, perMinute, stepMs)
    if (row !== undefined) rows.push(row)
  }
  return rows
}
