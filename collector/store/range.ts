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

/** The part of a range that one source answers: [from, to), in ring steps. */
export interface Ticks {
  readonly from: number
  readonly to: number
}

/**
 * All values of an answer in one array: group, then step, then cell of the series. What one cell of one group adds to is
 * its lane: it begins somewhere in step 0 and goes on at the same place of each step.
 */
export interface Sums {
  readonly values: Float64Array
  readonly grouping: Grouping
  readonly range: TickRange
}

export function makeSums(grouping: Grouping, range: TickRange): Sums {
  const size = grouping.labels.length * range.steps * grouping.width
  return { values: new Float64Array(size), grouping, range }
}

/** Adds what the rings hold of every member. */
export function addRings(sums: Sums, cells: Cells, ticks: Ticks): void {
  eachLane(sums, (cell, lane) => {
    const ring = cells.rings[cell]
    if (ring !== undefined) addRing(sums, ring, lane, ticks)
  })
}

function addRing({ values, grouping, range }: Sums, ring: Ring, lane: number, { from, to }: Ticks): void {
  const slots = ring.length
  let slot = from % slots
  let inStep = (from - range.fromTick) % range.perStep
  let at = lane + stepOf(range, from) * grouping.width
  for (let tick = from; tick < to; tick++) {
    values[at] = (values[at] ?? 0) + (ring[slot] ?? 0)
    if (++slot === slots) slot = 0
    if (++inStep === range.perStep) {
      inStep = 0
      at += grouping.width
    }
  }
}

/** Adds what the journal keeps, in steps of `journalMs`. */
export function addJournal(
  sums: Sums,
  cells: Cells,
  journal: Journal,
  journalMs: number,
  ticks: Ticks,
): void {
  const { values, grouping, range } = sums
  const lanes = new Int32Array(cells.count).fill(-1)
  eachLane(sums, (cell, lane) => {
    lanes[cell] = lane
  })
  for (const row of journal.rows(journalMs, ticks.from * range.tickMs, ticks.to * range.tickMs)) {
    if (!isBlob(row.blob)) continue
    const offset = stepOf(range, row.atMs / range.tickMs) * grouping.width
    readBlob(row.blob, (cell, value) => {
      const lane = lanes[cell] ?? -1
      if (lane >= 0) values[lane + offset] = (values[lane + offset] ?? 0) + value
    })
  }
}

/** Every cell that was asked for, with the beginning of its lane. */
function eachLane({ grouping, range }: Sums, use: (cell: number, lane: number) => void): void {
  const { members, width } = grouping
  for (const [group, series] of members.entries()) {
    const first = group * range.steps * width
    for (const { cell } of series) for (let part = 0; part < width; part++) use(cell + part, first + part)
  }
}

/** The answered step that a ring step belongs to. */
function stepOf(range: TickRange, tick: number): number {
  return Math.floor((tick - range.fromTick) / range.perStep)
}

export function answerOf({ values, grouping, range }: Sums): RangeAnswer {
  const { labels, members, width } = grouping
  const size = range.steps * width
  const groups = labels.map(
    (of, group): RangeGroup => ({
      labels: of,
      values: values.subarray(group * size, (group + 1) * size),
      lastMs: (members[group] ?? []).reduce((last, series) => Math.max(last, series.lastMs), 0),
    }),
  )
  return {
    fromMs: range.fromTick * range.tickMs,
    toMs: (range.fromTick + range.steps * range.perStep) * range.tickMs,
    stepMs: range.perStep * range.tickMs,
    steps: range.steps,
    width,
    groups,
  }
}
