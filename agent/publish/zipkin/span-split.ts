import type { QueueRecord, SinkRequest, Split } from "../contract.ts"

export interface ZipkinLimits {
  readonly maxSpans: number
  /** Of the list, not compressed. */
  readonly maxBytes: number
}

/** Far below the 10 MiB that Zipkin's server takes, which counts what it inflates. */
export const ZIPKIN_LIMITS: ZipkinLimits = { maxSpans: 2000, maxBytes: 1024 * 1024 }

const OPEN = 0x5b
const COMMA = 0x2c
const CLOSE = 0x5d

/** Joins spans, each a JSON object in UTF-8, into lists, oldest first. Pure. */
export function splitZipkin(
  records: readonly QueueRecord[],
  limits: ZipkinLimits = ZIPKIN_LIMITS,
): Split<Uint8Array> {
  const requests: SinkRequest<Uint8Array>[] = []
  const refused = new Map<number, string>()
  let indexes: number[] = []
  let bytes = 1
  const close = (): void => {
    if (indexes.length > 0) requests.push({ records: indexes, body: listOf(records, indexes, bytes) })
    indexes = []
    bytes = 1
  }
  for (const [index, { payload }] of records.entries()) {
    if (payload.length + 2 > limits.maxBytes) {
      refused.set(index, "too_large")
      continue
    }
    if (indexes.length >= limits.maxSpans || bytes + payload.length + 1 > limits.maxBytes) close()
    indexes.push(index)
    bytes += payload.length + 1
  }
  close()
  return { requests, refused }
}

function listOf(records: readonly QueueRecord[], indexes: readonly number[], bytes: number): Uint8Array {
  const out = new Uint8Array(bytes)
  let end = 0
  for (const index of indexes) {
    out[end] = end === 0 ? OPEN : COMMA
    const payload = records[index]?.payload ?? new Uint8Array()
    out.set(payload, end + 1)
    end += payload.length + 1
  }
  out[end] = CLOSE
  return out
}
