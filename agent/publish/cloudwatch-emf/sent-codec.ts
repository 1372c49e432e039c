import { METRICS, type MetricKey } from "#mesh/catalogue.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"

/** How much of one series was told. */
export interface SentRecord {
  readonly slot: number
  readonly startMs: number
  /** A counter's value, a histogram's sum of seconds. */
  readonly value: number
  /** `BUCKET_COUNT` counts of a histogram, owned by whoever holds the record. */
  readonly counts: Float64Array | undefined
}

/**
 * u8 version | u16 length of a text, the names of the metrics that are told | records.
 * Record: u32 slot, f64 start, f64 value, u32 mask: bit 31 for a histogram, then one f64 per bit of a bucket.
 */
const VERSION = 1
const HISTOGRAM = 0x8000_0000
const RECORD_BYTES = 24
const KEYS = new Map<string, string>(Object.entries(METRICS).map(([key, { name }]) => [name, key]))

export function encodeSent(keys: ReadonlySet<MetricKey>, records: Iterable<SentRecord>): Uint8Array {
  const names = Buffer.from([...keys].map((key) => METRICS[key].name).join(" "))
  let bytes = Buffer.alloc(65_536)
  bytes.writeUInt8(VERSION, 0)
  bytes.writeUInt16LE(names.length, 1)
  names.copy(bytes, 3)
  let at = 3 + names.length
  for (const record of records) {
    if (at + RECORD_BYTES + BUCKET_COUNT * 8 > bytes.length) bytes = Buffer.concat([bytes], bytes.length * 2)
    at = putRecord(bytes, at, record)
  }
  return bytes.subarray(0, at)
}

function putRecord(bytes: Buffer, start: number, { slot, startMs, value, counts }: SentRecord): number {
  let at = bytes.writeUInt32LE(slot, start)
  at = bytes.writeDoubleLE(startMs, at)
  at = bytes.writeDoubleLE(value, at)
  const maskAt = at
  let mask = counts === undefined ? 0 : HISTOGRAM
  at += 4
  for (const [bucket, count] of counts?.entries() ?? []) {
    if (count === 0) continue
    mask += 2 ** bucket
    at = bytes.writeDoubleLE(count, at)
  }
  bytes.writeUInt32LE(mask, maskAt)
  return at
}

/** Undefined for bytes that this version did not write: then nothing is known, and what is there counts as told. */
export function decodeSent(
  kept: Uint8Array,
): { readonly keys: ReadonlySet<string>; readonly records: readonly SentRecord[] } | undefined {
  const bytes = Buffer.from(kept.buffer, kept.byteOffset, kept.length)
  if (bytes.length < 3 || bytes.readUInt8(0) !== VERSION) return undefined
  let at = 3 + bytes.readUInt16LE(1)
  const keys = new Set(
    bytes
      .toString("utf8", 3, at)
      .split(" ")
      .flatMap((name) => KEYS.get(name) ?? []),
  )
  const records: SentRecord[] = []
  while (at + RECORD_BYTES <= bytes.length) {
    const mask = bytes.readUInt32LE(at + 20)
    const record = {
      slot: bytes.readUInt32LE(at),
      startMs: bytes.readDoubleLE(at + 4),
      value: bytes.readDoubleLE(at + 12),
      counts: mask >= HISTOGRAM ? new Float64Array(BUCKET_COUNT) : undefined,
    }
    at += RECORD_BYTES
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      if ((mask & (2 ** bucket)) === 0 || record.counts === undefined) continue
      if (at + 8 > bytes.length) return undefined
      record.counts[bucket] = bytes.readDoubleLE(at)
      at += 8
    }
    records.push(record)
  }
  return { keys, records }
}
