import { type FileHandle, open } from "node:fs/promises"
import type { QueueRecord } from "../contract.ts"
import {
  type FrameRange,
  frameCount,
  frameIndex,
  frameKey,
  framePayload,
  frameTimeMs,
  scanFrames,
} from "./frame.ts"
import { type Segment, settledBefore, TakenRecord } from "./segment.ts"

const LEAST_CHUNK = 64 * 1024
const MOST_CHUNK = 1024 * 1024

/** How many records and bytes may still be taken. The first record always may. */
export interface Room {
  records: number
  bytes: number
}

/**
 * Takes the next records of what is committed of a segment, and moves its reading place on. Answers none when there are
 * none in the next megabyte. Rejects with the system's error for what may pass, such as too many open files; what the disk
 * does not give back is passed over.
 */
export async function readSegment(segment: Segment, room: Room): Promise<TakenRecord[]> {
  const { end } = segment.visible
  const mostBytes = end - segment.readAt
  let chunk = await bytesAt(segment, Math.min(mostBytes, MOST_CHUNK, Math.max(LEAST_CHUNK, room.bytes)))
  const taken: TakenRecord[] = []
  const range = (): FrameRange => ({
    salt: segment.salt,
    mostBytes: chunk.ended ? chunk.bytes.length : mostBytes,
    nextIndex: segment.nextIndex,
  })
  const visit = (at: number, length: number): boolean => {
    const index = frameIndex(chunk.bytes, at)
    if (settledBefore(segment, index)) return true
    if (taken.length > 0 && (room.records <= 0 || room.bytes < length)) return false
    segment.oldOpen.delete(index)
    taken.push(recordAt(segment, chunk.bytes, at, length))
    room.records--
    room.bytes -= length
    return true
  }
  if (segment.gone) return []
  let wanted = range()
  let scanned = scanFrames(chunk.bytes, wanted, visit)
  if (scanned.at === 0 && scanned.needBytes > 0) {
    chunk = await bytesAt(segment, scanned.needBytes)
    if (segment.gone) return []
    wanted = range()
    scanned = scanFrames(chunk.bytes, wanted, visit)
  }
  segment.nextIndex = wanted.nextIndex
  const whole = chunk.ended && scanned.at >= chunk.bytes.length
  segment.readAt = whole ? end : segment.readAt + scanned.at
  for (const one of taken) segment.open.set(one.index, one)
  return taken
}

function recordAt(segment: Segment, bytes: Buffer, at: number, length: number): TakenRecord {
  const index = frameIndex(bytes, at)
  const item: QueueRecord = {
    key: frameKey(bytes, at),
    timeMs: frameTimeMs(bytes, at),
    count: frameCount(bytes, at),
    payload: framePayload(bytes, at, length),
    ...(index < segment.oldRecords ? { again: true } : {}),
  }
  return new TakenRecord(segment, index, length, item)
}

/** Bytes from the reading place on. `ended`: the file has no more, though more was committed, or the disk fails there. */
async function bytesAt(
  segment: Segment,
  wanted: number,
): Promise<{ readonly bytes: Buffer; readonly ended: boolean }> {
  let file: FileHandle | undefined
  const bytes = Buffer.allocUnsafe(wanted)
  let length = 0
  try {
    file = await open(segment.path, "r")
    for (let more = -1; more !== 0 && length < wanted; length += more) {
      more = (await file.read(bytes, length, wanted - length, segment.readAt + length)).bytesRead
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    if (code !== "ENOENT" && code !== "EIO") throw error
  } finally {
    await file?.close()
  }
  return { bytes: bytes.subarray(0, length), ended: length < wanted }
}
