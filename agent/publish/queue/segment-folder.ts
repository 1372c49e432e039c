import { closeSync, openSync, readdirSync, readSync, rmSync, statSync, truncateSync } from "node:fs"
import { join } from "node:path"
import { MeshscopeError } from "#mesh/errors.ts"
import {
  FRAME_BYTES,
  type FrameRange,
  frameCount,
  frameTimeMs,
  HEADER_BYTES,
  readHeader,
  SEGMENT_VERSION,
  scanFrames,
} from "./frame.ts"
import type { SegmentState } from "./queue-state.ts"
import { segmentPath } from "./segment.ts"

const NAME = /^\d{10}\.seg$/
const CHUNK_BYTES = 1024 * 1024

/** A segment file as it is found. */
export interface FoundSegment {
  readonly number: number
  readonly path: string
  readonly bytes: number
  /** Undefined when its header is damaged. */
  readonly salt: number | undefined
}

/**
 * The segment files of a folder, oldest first.
 * @throws MeshscopeError STATE_FUTURE when a later version wrote one of them; nothing was changed then
 */
export function findSegments(folder: string): FoundSegment[] {
  const names = readdirSync(folder).filter((name) => NAME.test(name))
  return names.toSorted().map((name) => {
    const path = join(folder, name)
    const header = readHeader(firstBytes(path))
    if (header !== undefined && header.version > SEGMENT_VERSION)
      throw new MeshscopeError(
        "STATE_FUTURE",
        `${path} has version ${header.version}; this program knows ${SEGMENT_VERSION}. It is kept as it is: start that version to send what it holds, or move it away.`,
      )
    return { number: Number.parseInt(name, 10), path, bytes: statSync(path).size, salt: header?.salt }
  })
}

function firstBytes(path: string): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  const file = openSync(path, "r")
  try {
    return bytes.subarray(0, readSync(file, bytes, 0, HEADER_BYTES, 0))
  } finally {
    closeSync(file)
  }
}

/** Removes what was written after the last commit: whole files, and the ends of others. Costs only room if it fails. */
export function cutBack(found: readonly FoundSegment[], committed: readonly SegmentState[]): void {
  const ends = new Map(committed.map(({ number, end }) => [number, end]))
  for (const { number, path, bytes } of found) {
    const end = ends.get(number)
    try {
      if (end === undefined) rmSync(path)
      else if (bytes > end) truncateSync(path, end)
    } catch {
      // A disk that can only be read: nothing reads behind the committed end anyway.
    }
  }
}

/** What can be read of a segment whose committed state was lost; undefined when nothing can. */
export function adopt(folder: string, found: FoundSegment): SegmentState | undefined {
  if (found.salt === undefined) return undefined
  const { number, salt, bytes: end } = found
  const seen = { records: 0, things: 0, bytes: 0, firstMs: 0 }
  const file = openSync(segmentPath(folder, number), "r")
  try {
    let nextIndex = 0
    for (let place = HEADER_BYTES, need = FRAME_BYTES; place < end; ) {
      const chunk = Buffer.allocUnsafe(Math.min(end - place, Math.max(CHUNK_BYTES, need)))
      const bytes = chunk.subarray(0, readSync(file, chunk, 0, chunk.length, place))
      if (bytes.length === 0) break
      const range: FrameRange = { salt, mostBytes: end - place, nextIndex }
      const scanned = scanFrames(bytes, range, (at, length) => {
        if (seen.records++ === 0) seen.firstMs = frameTimeMs(bytes, at)
        seen.things += frameCount(bytes, at)
        seen.bytes += length
        return true
      })
      nextIndex = range.nextIndex
      place += scanned.at
      need = scanned.needBytes
    }
  } finally {
    closeSync(file)
  }
  if (seen.records === 0) return undefined
  const { records, things, firstMs } = seen
  return { number, salt, end, records, things, firstMs, done: [0, 0, 0], read: 0, open: [] }
}
