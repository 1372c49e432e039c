import { crc32 } from "node:zlib"
import { MeshscopeError } from "#mesh/errors.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"
import { type Cells, COUNTER, HISTOGRAM, nextDirty } from "./cells.ts"

/**
 * Values of many series as one blob: records of ascending slots, then a CRC-32 of them (4 bytes, little endian).
 * Record: varint(step from the last slot * 4 + form), then by form
 *   0 varint value | 1 float64 value | 2 float64 sum, varint mask of buckets, varint counts | 3 as 2 with float64 counts.
 * Values are absolute, so a blob can be applied over any older one.
 */
const WHOLE = 0
const REAL = 1
const WHOLE_BUCKETS = 2
const REAL_BUCKETS = 3
const MAX_RECORD_BYTES = 5 + 8 + 3 + BUCKET_COUNT * 8
const CRC_BYTES = 4

/** A buffer that is used again for each blob; `bytes` may be replaced by a bigger one. */
export interface Scratch {
  bytes: Buffer
  view: DataView
}

export function makeScratch(size = 65_536): Scratch {
  const bytes = Buffer.allocUnsafeSlow(size)
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }
}

/** What changed since the last commit. The answer is a view of the scratch buffer. */
export function encodeChanges(cells: Cells, scratch: Scratch): Uint8Array {
  let end = 0
  let last = 0
  for (let slot = nextDirty(cells, 0); slot >= 0; slot = nextDirty(cells, slot + 1)) {
    const kind = cells.kind[slot]
    if (kind !== COUNTER && kind !== HISTOGRAM) continue
    reserve(scratch, end)
    end = putRecord(cells, scratch, end, slot, slot - last, true)
    last = slot
  }
  return seal(scratch, end)
}

/** Every stored value of the slots from `from` up to `to`, those at 0 left out. */
export function encodeRange(cells: Cells, scratch: Scratch, from: number, to: number): Uint8Array {
  let end = 0
  let last = 0
  for (let slot = from; slot < Math.min(to, cells.size); slot++) {
    const kind = cells.kind[slot]
    if (kind === COUNTER ? cells.live[slot] === 0 : kind !== HISTOGRAM) continue
    reserve(scratch, end)
    end = putRecord(cells, scratch, end, slot, slot - last, false)
    last = slot
  }
  return seal(scratch, end)
}

/** Puts a blob's values in place where `wanted` says so. Throws STATE_CORRUPT when the bytes are not what was written. */
export function applyBlob(blob: Uint8Array, cells: Cells, wanted: (slot: number) => boolean): void {
  const end = blob.length - CRC_BYTES
  const view = new DataView(blob.buffer, blob.byteOffset, blob.length)
  if (end < 0 || view.getUint32(end, true) !== crc32(blob.subarray(0, end))) throw corrupt("checksum")
  const reader = { blob, view, at: 0 }
  let slot = 0
  while (reader.at < end) {
    const head = takeVarint(reader)
    slot += Math.floor(head / 4)
    takeRecord(reader, cells, wanted(slot) ? slot : 0, head % 4)
  }
  if (reader.at !== end) throw corrupt("record")
}

function putRecord(
  cells: Cells,
  scratch: Scratch,
  at: number,
  slot: number,
  step: number,
  changesOnly: boolean,
): number {
  const value = cells.live[slot] ?? 0
  if (cells.kind[slot] === HISTOGRAM) return putHistogram(cells, scratch, at, slot, step, changesOnly)
  const whole = Number.isSafeInteger(value) && value >= 0
  const next = putVarint(scratch.bytes, at, step * 4 + (whole ? WHOLE : REAL))
  if (whole) return putVarint(scratch.bytes, next, value)
  scratch.view.setFloat64(next, value, true)
  return next + 8
}

function putHistogram(
  cells: Cells,
  scratch: Scratch,
  at: number,
  slot: number,
  step: number,
  changesOnly: boolean,
): number {
  const { liveBuckets, shownBuckets } = cells
  const block = cells.bucketAt[slot] ?? 0
  let mask = 0
  let whole = true
  for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
    const count = liveBuckets[block + bucket] ?? 0
    if (count === (changesOnly ? shownBuckets[block + bucket] : 0)) continue
    mask |= 1 << bucket
    whole &&= Number.isSafeInteger(count)
  }
  let next = putVarint(scratch.bytes, at, step * 4 + (whole ? WHOLE_BUCKETS : REAL_BUCKETS))
  scratch.view.setFloat64(next, cells.live[slot] ?? 0, true)
  next = putVarint(scratch.bytes, next + 8, mask)
  for (; mask !== 0; mask &= mask - 1) {
    const count = liveBuckets[block + 31 - Math.clz32(mask & -mask)] ?? 0
    if (whole) {
      next = putVarint(scratch.bytes, next, count)
    } else {
      scratch.view.setFloat64(next, count, true)
      next += 8
    }
  }
  return next
}

function putVarint(bytes: Buffer, at: number, value: number): number {
  let end = at
  let rest = value
  while (rest >= 0x80000000) {
    bytes[end++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  while (rest > 127) {
    bytes[end++] = (rest & 127) | 128
    rest >>>= 7
  }
  bytes[end++] = rest
  return end
}

interface Reader {
  readonly blob: Uint8Array
  readonly view: DataView
  at: number
}

/** Slot 0 takes what nobody wants: it is never read. */
function takeRecord(reader: Reader, cells: Cells, slot: number, form: number): void {
  if (form === WHOLE || form === REAL) {
    if (slot !== 0 && cells.kind[slot] !== COUNTER) throw corrupt("kind of a series")
    cells.live[slot] = form === WHOLE ? takeVarint(reader) : takeFloat(reader)
    return
  }
  if (slot !== 0 && cells.kind[slot] !== HISTOGRAM) throw corrupt("kind of a series")
  cells.live[slot] = takeFloat(reader)
  const block = cells.bucketAt[slot] ?? 0
  let mask = takeVarint(reader)
  if (mask >= 2 ** BUCKET_COUNT) throw corrupt("buckets")
  for (; mask !== 0; mask &= mask - 1) {
    const count = form === WHOLE_BUCKETS ? takeVarint(reader) : takeFloat(reader)
    cells.liveBuckets[block + 31 - Math.clz32(mask & -mask)] = count
  }
}

function takeVarint(reader: Reader): number {
  let value = 0
  for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
    const byte = reader.blob[reader.at++] ?? 128
    value += (byte & 127) * scale
    if (byte < 128) return value
  }
  throw corrupt("number")
}

function takeFloat(reader: Reader): number {
  if (reader.at + 8 > reader.blob.length) throw corrupt("number")
  reader.at += 8
  return reader.view.getFloat64(reader.at - 8, true)
}

function reserve(scratch: Scratch, end: number): void {
  if (scratch.bytes.length - end >= MAX_RECORD_BYTES + CRC_BYTES) return
  const bigger = makeScratch(scratch.bytes.length * 2)
  scratch.bytes.copy(bigger.bytes, 0, 0, end)
  scratch.bytes = bigger.bytes
  scratch.view = bigger.view
}

function seal(scratch: Scratch, end: number): Uint8Array {
  scratch.view.setUint32(end, crc32(scratch.bytes.subarray(0, end)), true)
  return scratch.bytes.subarray(0, end + CRC_BYTES)
}

function corrupt(what: string): MeshscopeError {
  return new MeshscopeError("STATE_CORRUPT", `The state file is damaged: a ${what} is not what was written.`)
}
