import { crc32 } from "node:zlib"

/**
 * One step of all cells as bytes: version, crc32 of the rest, then per cell that moved a varint
 * `(cell - last cell) * 2 + (1 when the value is a double)` and the value, as varint or as 8 bytes.
 * About 2 bytes a moving cell at usual rates.
 */
const VERSION = 1
const HEAD = 5
/** Longest entry: 8 bytes of cell, 8 bytes of value. */
const ENTRY_BYTES = 18

/** Collects one blob; cells must come in rising order. The buffer is its own and is reused after `finish`. */
export interface BlobWriter {
  buffer: Buffer
  at: number
  last: number
}

export function makeBlobWriter(): BlobWriter {
  return { buffer: Buffer.allocUnsafeSlow(64 * 1024), at: HEAD, last: 0 }
}

export function putEntry(writer: BlobWriter, cell: number, value: number): void {
  if (writer.at + ENTRY_BYTES > writer.buffer.length) grow(writer)
  const gap = cell - writer.last
  // Nearly all: the next cells, and whole numbers below 2^14
  if (gap < 64 && (value & 16383) === value) {
    const { buffer } = writer
    let { at } = writer
    writer.last = cell
    buffer[at++] = gap * 2
    if (value >= 128) buffer[at++] = (value & 127) | 128
    buffer[at++] = value < 128 ? value : value >>> 7
    writer.at = at
    return
  }
  const whole = value <= Number.MAX_SAFE_INTEGER && Number.isInteger(value)
  putVarint(writer, gap * 2 + (whole ? 0 : 1))
  writer.last = cell
  if (whole) putVarint(writer, value)
  else writer.at = writer.buffer.writeDoubleLE(value, writer.at)
}

function grow(writer: BlobWriter): void {
  const grown = Buffer.allocUnsafeSlow(writer.buffer.length * 2)
  writer.buffer.copy(grown, 0, 0, writer.at)
  writer.buffer = grown
}

function putVarint(writer: BlobWriter, number: number): void {
  let rest = number
  const { buffer } = writer
  let at = writer.at
  while (rest >= 2147483648) {
    buffer[at++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  while (rest >= 128) {
    buffer[at++] = (rest & 127) | 128
    rest >>>= 7
  }
  buffer[at++] = rest
  writer.at = at
}

/** The blob as a copy, or undefined when nothing moved; the writer is empty again. */
export function finishBlob(writer: BlobWriter): Uint8Array | undefined {
  const { buffer, at } = writer
  writer.at = HEAD
  writer.last = 0
  if (at === HEAD) return undefined
  buffer[0] = VERSION
  buffer.writeUInt32LE(crc32(buffer.subarray(HEAD, at)), 1)
  return Uint8Array.prototype.slice.call(buffer, 0, at)
}

/** Whether the bytes are a whole blob of this version. */
export function isBlob(bytes: Uint8Array): boolean {
  if (bytes.length < HEAD || bytes[0] !== VERSION) return false
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1, true)
  return crc32(bytes.subarray(HEAD)) === stored
}

/** Calls back per cell. The bytes must have passed `isBlob`. */
export function readBlob(bytes: Uint8Array, each: (cell: number, value: number) => void): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = HEAD
  let cell = 0
  const varint = (): number => {
    let byte = bytes[at++] ?? 0
    if (byte < 128) return byte
    let value = byte & 127
    let scale = 128
    do {
      byte = bytes[at++] ?? 0
      value += (byte & 127) * scale
      scale *= 128
    } while (byte >= 128)
    return value
  }
  while (at < bytes.length) {
    const head = varint()
    cell += Math.floor(head / 2)
    if (head % 2 === 0) each(cell, varint())
    else {
      each(cell, view.getFloat64(at, true))
      at += 8
    }
  }
}
