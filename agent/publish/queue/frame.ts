import { crc32 } from "node:zlib"

/**
 * A segment file, all numbers little-endian:
 *
 *     header   "MSHQ"  version u16  0 u16  salt u32  crc u32 (of the 12 bytes before)
 *     frame*   mark u32 (from the salt)  length u32 (of the whole frame)  crc u32 (of what follows, begun with salt xor length)
 *              index u32  timeMs f64  count u32  key's length u16  0 u16  key  payload
 *
 * The mark lets reading go on behind damage. The salt is a secret of the file, so that no payload can hold what looks like a
 * frame then. The index tells records apart that were read before.
 */
export const SEGMENT_VERSION = 1
export const HEADER_BYTES = 16
export const FRAME_BYTES = 32
export const MAX_KEY_BYTES = 1024

const MAGIC = Buffer.from("MSHQ")
const markOf = (salt: number): number => crc32(MAGIC, salt)

export function writeHeader(into: Buffer, at: number, salt: number): void {
  MAGIC.copy(into, at)
  into.writeUInt32LE(SEGMENT_VERSION, at + 4)
  into.writeUInt32LE(salt, at + 8)
  into.writeUInt32LE(crc32(into.subarray(at, at + 12)), at + 12)
}

/** Undefined when these bytes are not a whole header. Its version may be one that this program does not know. */
export function readHeader(bytes: Buffer): { readonly version: number; readonly salt: number } | undefined {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, 4).equals(MAGIC)) return undefined
  if (crc32(bytes.subarray(0, 12)) !== bytes.readUInt32LE(12)) return undefined
  return { version: bytes.readUInt16LE(4), salt: bytes.readUInt32LE(8) }
}

/** One record to write. `keyBytes` is the key's length in UTF-8. */
export interface FrameParts {
  readonly index: number
  readonly key: string
  readonly keyBytes: number
  readonly timeMs: number
  readonly count: number
  readonly payload: Uint8Array
}

/** Writes `FRAME_BYTES + keyBytes + payload.length` bytes. */
export function writeFrame(into: Buffer, at: number, salt: number, parts: FrameParts): void {
  const { keyBytes, payload } = parts
  const length = FRAME_BYTES + keyBytes + payload.length
  into.writeUInt32LE(markOf(salt), at)
  into.writeUInt32LE(length, at + 4)
  into.writeUInt32LE(parts.index, at + 12)
  into.writeDoubleLE(parts.timeMs, at + 16)
  into.writeUInt32LE(parts.count, at + 24)
  into.writeUInt32LE(keyBytes, at + 28)
  if (keyBytes > 0) into.write(parts.key, at + FRAME_BYTES, keyBytes, "utf8")
  into.set(payload, at + FRAME_BYTES + keyBytes)
  into.writeUInt32LE(frameCrc(into, at, length, salt), at + 8)
}

function frameCrc(bytes: Buffer, at: number, length: number, salt: number): number {
  return crc32(bytes.subarray(at + 12, at + length), (salt ^ length) >>> 0)
}

export const frameIndex = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at + 12)
export const frameTimeMs = (bytes: Buffer, at: number): number => bytes.readDoubleLE(at + 16)
export const frameCount = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at + 24)
export const frameKey = (bytes: Buffer, at: number): string =>
  bytes.toString("utf8", at + FRAME_BYTES, at + FRAME_BYTES + bytes.readUInt16LE(at + 28))
/** A copy. */
export const framePayload = (bytes: Buffer, at: number, length: number): Uint8Array =>
  new Uint8Array(bytes.subarray(at + FRAME_BYTES + bytes.readUInt16LE(at + 28), at + length))

/** Where frames stand in some bytes of a segment. */
export interface FrameRange {
  readonly salt: number
  /** How many bytes the segment has from the first of these on; no frame is longer. */
  readonly mostBytes: number
  /** The least index that may come; set to the one behind each frame that was visited. */
  nextIndex: number
}

/**
 * Visits whole frames from the first byte on, passing over what is none, until `visit` answers false or the bytes end.
 * Answers where to go on, and how many bytes from there are needed at least when what is there is the beginning of a frame.
 */
export function scanFrames(
  bytes: Buffer,
  range: FrameRange,
  visit: (at: number, length: number) => boolean,
): { readonly at: number; readonly needBytes: number } {
  const last = bytes.length >= range.mostBytes
  const number = markOf(range.salt)
  const mark = Buffer.alloc(4)
  mark.writeUInt32LE(number)
  let at = 0
  while (at < bytes.length) {
    const length =
      bytes.length - at < FRAME_BYTES || bytes.readUInt32LE(at) === number ? frameLength(bytes, at, range) : 0
    if (length > 0 && at + length <= bytes.length) {
      if (!visit(at, length)) return { at, needBytes: 0 }
      range.nextIndex = frameIndex(bytes, at) + 1
      at += length
    } else if (length > 0 && !last) return { at, needBytes: length }
    else {
      const next = bytes.indexOf(mark, at + 1)
      if (next < 0 && !last) return { at: Math.max(at + 1, bytes.length - 3), needBytes: 0 }
      at = next < 0 ? bytes.length : next
    }
  }
  return { at, needBytes: 0 }
}

/** Length of the frame whose mark is here, whole or as far as can be seen; 0 when it is none. */
function frameLength(bytes: Buffer, at: number, range: FrameRange): number {
  const left = bytes.length - at
  if (left < FRAME_BYTES) return FRAME_BYTES
  const length = bytes.readUInt32LE(at + 4)
  if (length < FRAME_BYTES || length > range.mostBytes - at) return 0
  if (length > left) return length
  const sound =
    bytes.readUInt32LE(at + 8) === frameCrc(bytes, at, length, range.salt) &&
    frameIndex(bytes, at) >= range.nextIndex &&
    FRAME_BYTES + bytes.readUInt16LE(at + 28) <= length
  return sound ? length : 0
}
