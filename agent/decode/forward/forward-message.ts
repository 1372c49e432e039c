import { gunzipSync } from "node:zlib"
import { MeshscopeError } from "#mesh/errors.ts"
import { malformed, Pack, PackReader } from "./msgpack.ts"
import { type ForwardRecord, makeRecord, readRecord } from "./record.ts"

export interface ForwardVisitor {
  /** A record of a container's output. A view: the next one overwrites it. */
  record(record: ForwardRecord): void
  /** A record that is no map, or has no `log`. */
  other(): void
}

/** What the sender of a message wants back. */
export interface ForwardAnswer {
  /** The chunk to acknowledge, as it was written; undefined: none is wanted. */
  readonly chunk: string | undefined
}

/** Longest name of a chunk: fluentd's have 24 bytes as base64. */
const LONGEST_CHUNK = 256
const record = makeRecord()

/**
 * Reads one message of Fluent's forward protocol, version 1, in each of its four modes
 * (github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1): `[tag, time, record, option?]`,
 * `[tag, [[time, record], …], option?]`, and the same entries as one binary, plain or in gzip.
 * @param maxInflated most bytes of entries that were in gzip
 * @throws MeshscopeError INTAKE_MALFORMED, INTAKE_TOO_LARGE; what was told before stays told
 */
export function readForward(message: Buffer, maxInflated: number, visitor: ForwardVisitor): ForwardAnswer {
  const reader = new PackReader(message)
  const { kind, size } = reader.next()
  if (kind !== Pack.array || size < 2 || size > 4) throw malformed("is none of the forward protocol", 0)
  reader.skip()
  const { kind: second, size: count, body } = { ...reader.next() }
  if (second === Pack.array) {
    for (let entry = 0; entry < count; entry++) readEntry(reader, visitor)
    return optionOf(reader, size > 2)
  }
  if (second === Pack.bytes) {
    const option = optionOf(reader, size > 2)
    const packed = message.subarray(body, body + count)
    readPacked(option.compressed ? inflated(packed, maxInflated) : packed, visitor)
    return option
  }
  if (size < 3 || (second !== Pack.int && second !== Pack.float && second !== Pack.ext))
    throw malformed("has neither a time nor entries", body)
  takeRecord(reader, visitor)
  return optionOf(reader, size > 3)
}

function readPacked(entries: Buffer, visitor: ForwardVisitor): void {
  const reader = new PackReader(entries)
  while (reader.at < reader.end) readEntry(reader, visitor)
}

/** `[time, record]`. Newer senders put metadata beside the time: `[[time, metadata], record]`. */
function readEntry(reader: PackReader, visitor: ForwardVisitor): void {
  const { kind, size } = reader.next()
  if (kind !== Pack.array || size !== 2) throw malformed("holds an entry without time and record", reader.at)
  reader.skip()
  takeRecord(reader, visitor)
}

function takeRecord(reader: PackReader, visitor: ForwardVisitor): void {
  if (readRecord(reader, record)) visitor.record(record)
  else visitor.other()
}

interface Option extends ForwardAnswer {
  readonly compressed: boolean
}

function optionOf(reader: PackReader, there: boolean): Option {
  const none = { chunk: undefined, compressed: false }
  if (!there) return none
  const { kind, size } = reader.next()
  if (kind === Pack.nil) return none
  if (kind !== Pack.map) throw malformed("has an option that is no map", reader.at)
  let chunk: string | undefined
  let compressed = false
  for (let pair = 0; pair < size; pair++) {
    const key = reader.text()
    if (key === "chunk") chunk = reader.text()
    else if (key === "compressed") compressed = reader.text() === "gzip"
    else reader.skip()
  }
  if (chunk !== undefined && chunk.length > LONGEST_CHUNK)
    throw malformed("names its chunk too long", reader.at)
  return { chunk, compressed }
}

function inflated(packed: Buffer, most: number): Buffer {
  try {
    return gunzipSync(packed, { maxOutputLength: most })
  } catch (cause) {
    const large = cause instanceof RangeError
    throw new MeshscopeError(
      large ? "INTAKE_TOO_LARGE" : "INTAKE_MALFORMED",
      large ? `A message has more than ${most} bytes inflated.` : "A message is no gzip.",
      { cause },
    )
  }
}

/** `{ack: chunk}`, which tells that a chunk is kept. */
export function ackOf(chunk: string): Buffer {
  const bytes = Buffer.from(chunk)
  const head = bytes.length < 32 ? [0xa0 | bytes.length] : [0xda, bytes.length >> 8, bytes.length & 255]
  return Buffer.concat([Buffer.from([0x81, 0xa3, 0x61, 0x63, 0x6b, ...head]), bytes])
}
