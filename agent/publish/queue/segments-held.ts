import type { QueueCounters } from "../delivery/record-queue.ts"
import { HEADER_BYTES } from "./frame.ts"
import type { Segment } from "./segment.ts"

/** What the segments of a queue hold that is not settled. */
export function heldIn(segments: readonly Segment[]): Pick<QueueCounters, "heldRecords" | "heldBytes"> {
  let heldRecords = 0
  let heldBytes = 0
  for (const { records, doneRecords, end, doneBytes } of segments) {
    heldRecords += records - doneRecords
    heldBytes += end - HEADER_BYTES - doneBytes
  }
  return { heldRecords, heldBytes }
}

/** When the oldest committed record happened that is not settled, ms since the epoch; of one not yet read, its file's first. */
export function oldestMs(segments: readonly Segment[]): number | undefined {
  for (const { open, readAt, visible, doneRecords, firstMs } of segments) {
    for (const one of open.values()) return one.item.timeMs
    if (readAt <= HEADER_BYTES && visible.records > doneRecords) return firstMs
  }
  return undefined
}
