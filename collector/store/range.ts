import type { Cells, Ring } from "./cells.ts"
import type { Grouping } from "./grouping.ts"
import type { Journal } from "./journal.ts"
import type { RangeAnswer, RangeGroup } from "./series-store.ts"
import { isBlob, readBlob } from "./tick-blob.ts"

/** A range in whole ring steps: [fromTick, toTick), `perStep` ticks to one answered step. */
export interface TickRange {
  readonly fromTick: number
  readonly toTick: number
  readonly perStep: number
  readonly steps: number
  readonly tickMs: number
}

/** All values of an answer in one array: group, then step, then cell of the series. */
export interface Sums {
  readonly values: Float64Array
  readonly width: number
  readonly range: TickRange
}

export function makeSums(grouping: Grouping, range: TickRange): Sums {
  const size = grouping.labels.length * range.steps * grouping.width
  return { values: new Float64Array(size), width: grouping.width, range }
}

/** Adds ring steps [fromTick, toTick) of every member. */
export function addRings(
  sums: Sums,
  grouping: Grouping,
  cells: Cells,
  fromTick: number,
  toTick: number,
): void {
  const { width, range } = sums
  for (let group = 0; group < grouping.members.length; group++) {
    const base = group * range.steps * width
    for (const series of grouping.members[group] ?? []) {
      for (let part = 0; part < width; part++) {
        const ring = cells.rings[series.cell + part]
        if (ring !== undefined) addRing(sums, ring, base + part, fromTick, toTick)
      }
    }
  }
}

/** One ring into one lane of the answer. Kept apart per array kind, so that the loop stays monomorphic. */
function addRing(sums: Sums, ring: Ring, lane: number, fromTick: number, toTick: number): void {
  if (ring instanceof Uint16Array) addNarrow(sums, ring, lane, fromTick, toTick)
  else addWide(sums, ring, lane, fromTick, toTick)
}

function addNarrow(sums: Sums, ring: Uint16Array, lane: number, fromTick: number, toTick: number): void {
  const { values, width, range } = sums
  const steps = ring.length
  let slot = fromTick % steps
  let inStep = (fromTick - range.fromTick) % range.perStep
  let at = lane + Math.floor((fromTick - range.fromTick) / range.perStep) * width
  for (let tick = fromTick; tick < toTick; tick++) {
    values[at] = (values[at] ?? 0) + (ring[slot] ?? 0)
    if (++slot === steps) slot = 0
    if (++inStep === range.perStep) {
      inStep = 0
      at += width
    }
  }
}

function addWide(sums: Sums, ring: Float64Array, lane: number, fromTick: number, toTick: number): void {
  const { values, width, range } = sums
  const steps = ring.length
  let slot = fromTick % steps
  let inStep = (fromTick - range.fromTick) % range.perStep
  let at = lane + Math.floor((fromTick - range.fromTick) / range.perStep) * width
  for (let tick = fromTick; tick < toTick; tick++) {
    values[at] = (values[at] ?? 0) + (ring[slot] ?? 0)
    if (++slot === steps) slot = 0
    if (++inStep === range.perStep) {
      inStep = 0
      at += width
    }
  }
}

/** Adds what the journal keeps of [fromTick, toTick), in steps of `journalMs`. */
export function addJournal(
  sums: Sums,
  grouping: Grouping,
  cellCount: number,
  journal: Journal,
  journalMs: number,
  fromTick: number,
  toTick: number,
): void {
  const lanes = lanesOf(sums, grouping, cellCount)
  const { values, width, range } = sums
  for (const row of journal.rows(journalMs, fromTick * range.tickMs, toTick * range.tickMs)) {
    if (!isBlob(row.blob)) continue
    const step = Math.floor((row.atMs / range.tickMs - range.fromTick) / range.perStep)
    const offset = step * width
    readBlob(row.blob, (cell, value) => {
      const lane = lanes[cell] ?? -1
      if (lane >= 0) values[lane + offset] = (values[lane + offset] ?? 0) + value
    })
  }
}

/** Where each cell adds to at step 0; -1 for cells that were not asked for. */
function lanesOf(sums: Sums, grouping: Grouping, cellCount: number): Int32Array {
  const lanes = new Int32Array(cellCount).fill(-1)
  const { width, range } = sums
  for (let group = 0; group < grouping.members.length; group++) {
    for (const series of grouping.members[group] ?? [])
      for (let part = 0; part < width; part++) lanes[series.cell + part] = group * range.steps * width + part
  }
  return lanes
}

export function answerOf(sums: Sums, grouping: Grouping): RangeAnswer {
  const { values, width, range } = sums
  const size = range.steps * width
  const groups: RangeGroup[] = grouping.labels.map((labels, group) => ({
    labels,
    values: values.subarray(group * size, (group + 1) * size),
    lastMs: (grouping.members[group] ?? []).reduce((last, series) => Math.max(last, series.lastMs), 0),
  }))
  return {
    fromMs: range.fromTick * range.tickMs,
    toMs: (range.fromTick + range.steps * range.perStep) * range.tickMs,
    stepMs: range.perStep * range.tickMs,
    steps: range.steps,
    width,
    groups,
  }
}
