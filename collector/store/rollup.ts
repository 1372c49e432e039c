import { type Cells, putPast } from "./cells.ts"
import type { JournalRow } from "./journal.ts"
import type { Late } from "./late.ts"
import { type BlobWriter, finishBlob, putEntry } from "./tick-blob.ts"

const MINUTE_MS = 60_000

/**
 * Moves the open step into the rings and answers it as a blob; undefined when nothing moved.
 * @param begun the step has a part from before a restart in the rings, whose rows are written: this part is added
 */
export function endStep(
  cells: Cells,
  writer: BlobWriter,
  tick: number,
  begun: boolean,
): Uint8Array | undefined {
  const slot = tick % cells.slots
  const { open, rings } = cells
  for (let cell = 0; cell < cells.count; cell++) {
    const amount = open[cell] ?? 0
    if (amount !== 0) {
      putPast(cells, cell, slot, begun ? amount + (rings[cell]?.[slot] ?? 0) : amount)
      putEntry(writer, cell, amount)
      open[cell] = 0
    } else if (!begun) {
      const ring = rings[cell]
      if (ring !== undefined) ring[slot] = 0
    }
  }
  return finishBlob(writer)
}

/** The sum of one minute's steps. */
export function minuteRow(
  cells: Cells,
  writer: BlobWriter,
  firstTick: number,
  perMinute: number,
  stepMs: number,
): JournalRow | undefined {
  for (let cell = 0; cell < cells.count; cell++) {
    const ring = cells.rings[cell]
    if (ring === undefined) continue
    let sum = 0
    for (let index = 0; index < perMinute; index++) sum += ring[(firstTick + index) % cells.slots] ?? 0
    if (sum !== 0) putEntry(writer, cell, sum)
  }
  const blob = finishBlob(writer)
  return blob === undefined ? undefined : { atMs: firstTick * stepMs, stepMs: MINUTE_MS, blob }
}

/** Late increments as further rows: of their steps, and of their minutes where those were written already. */
export function lateRows(late: Late, writer: BlobWriter, stepMs: number, openTick: number): JournalRow[] {
  if (late.pending.size === 0) return []
  const perMinute = MINUTE_MS / stepMs
  const minutes = new Map<number, Map<number, number>>()
  const rows: JournalRow[] = []
  for (const [tick, byCell] of late.pending) {
    rows.push(rowOf(byCell, writer, tick * stepMs, stepMs))
    const minute = Math.floor(tick / perMinute) * perMinute
    if (minute + perMinute > openTick) continue
    const sums = minutes.get(minute) ?? new Map<number, number>()
    minutes.set(minute, sums)
    for (const [cell, amount] of byCell) sums.set(cell, (sums.get(cell) ?? 0) + amount)
  }
  for (const [tick, sums] of minutes) rows.push(rowOf(sums, writer, tick * stepMs, MINUTE_MS))
  late.pending.clear()
  return rows
}

function rowOf(
  byCell: ReadonlyMap<number, number>,
  writer: BlobWriter,
  atMs: number,
  stepMs: number,
): JournalRow {
  for (const [cell, amount] of [...byCell].toSorted((a, b) => a[0] - b[0])) putEntry(writer, cell, amount)
  return { atMs, stepMs, blob: finishBlob(writer) ?? new Uint8Array() }
}
