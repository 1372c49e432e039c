import { join } from "node:path"
import type { QueueRecord } from "../contract.ts"
import type { Held } from "../delivery/record-queue.ts"
import { HEADER_BYTES } from "./frame.ts"
import { numbersOf, runsOf, type SegmentState } from "./queue-state.ts"

/** A record that was taken out of a segment. */
export class TakenRecord implements Held<QueueRecord> {
  readonly item: QueueRecord
  readonly bytes: number
  readonly segment: Segment
  readonly index: number

  constructor(segment: Segment, index: number, bytes: number, item: QueueRecord) {
    this.segment = segment
    this.index = index
    this.bytes = bytes
    this.item = item
  }

  get gone(): boolean {
    return this.segment.gone
  }
}

/** How far a segment reaches. */
export interface Extent {
  readonly end: number
  readonly records: number
  readonly things: number
}

/** One file of records, and how far it was written, committed, read and settled. */
export interface Segment {
  readonly number: number
  readonly path: string
  readonly salt: number
  /** With what waits to be written. */
  end: number
  records: number
  things: number
  firstMs: number
  /** As it was when its state was last saved, and as it was last committed: only that may be read. */
  saved: Extent
  visible: Extent
  readAt: number
  nextIndex: number
  /** From before a restart: records below `oldRead` are settled, but for those in `oldOpen` that were not read again yet. */
  readonly oldRead: number
  /** Records below this index were there before a restart. */
  readonly oldRecords: number
  readonly oldOpen: Set<number>
  /** Taken and not settled, by index, ascending. */
  readonly open: Map<number, TakenRecord>
  doneRecords: number
  doneThings: number
  doneBytes: number
  /** Pushed out, or settled to the end: its file goes with the next commit. */
  gone: boolean
}

const EMPTY: Extent = { end: 0, records: 0, things: 0 }

export const segmentPath = (folder: string, number: number): string =>
  join(folder, `${String(number).padStart(10, "0")}.seg`)

/** A new one, with nothing but its header. */
export function newSegment(folder: string, number: number, salt: number, firstMs: number): Segment {
  return {
    number,
    path: segmentPath(folder, number),
    salt,
    end: HEADER_BYTES,
    records: 0,
    things: 0,
    firstMs,
    saved: EMPTY,
    visible: EMPTY,
    readAt: HEADER_BYTES,
    nextIndex: 0,
    oldRead: 0,
    oldRecords: 0,
    oldOpen: new Set(),
    open: new Map(),
    doneRecords: 0,
    doneThings: 0,
    doneBytes: 0,
    gone: false,
  }
}

/** One that was committed. */
export function restoredSegment(folder: string, state: SegmentState): Segment {
  const { end, records, things } = state
  const [doneRecords, doneThings, doneBytes] = state.done
  return {
    ...newSegment(folder, state.number, state.salt, state.firstMs),
    end,
    records,
    things,
    saved: { end, records, things },
    visible: { end, records, things },
    oldRead: state.read,
    oldRecords: records,
    oldOpen: numbersOf(state.open, records),
    doneRecords,
    doneThings,
    doneBytes,
  }
}

export function segmentState(segment: Segment): SegmentState {
  const { number, salt, end, records, things, firstMs } = segment
  return {
    number,
    salt,
    end,
    records,
    things,
    firstMs,
    done: [segment.doneRecords, segment.doneThings, segment.doneBytes],
    read: Math.max(segment.nextIndex, segment.oldRead),
    open: runsOf([...segment.open.keys(), ...segment.oldOpen]),
  }
}

/** Whether a record was settled before a restart. */
export function settledBefore(segment: Segment, index: number): boolean {
  return index < segment.oldRead && !segment.oldOpen.has(index)
}

/**
 * To be called when all that is committed was read: what was neither found nor settled can never be read. Counts it as
 * settled and answers it.
 */
export function unreadable(segment: Segment): { readonly records: number; readonly things: number } {
  const { visible, open } = segment
  const records = visible.records - segment.doneRecords - open.size
  let things = visible.things - segment.doneThings
  let bytes = visible.end - HEADER_BYTES - segment.doneBytes
  for (const one of open.values()) {
    things -= one.item.count
    bytes -= one.bytes
  }
  segment.oldOpen.clear()
  if (records <= 0) return { records: 0, things: 0 }
  segment.nextIndex = Math.max(segment.nextIndex, visible.records)
  segment.doneRecords += records
  segment.doneThings += things
  segment.doneBytes += bytes
  return { records, things }
}
