import type { QueueRecord, SinkRequest, Split } from "../contract.ts"

/** How payloads are written behind each other, and how much goes into one request. Bytes are those before compression. */
export interface Joining {
  /** A byte each, or none. */
  readonly open: "[" | ""
  readonly between: "," | "\n"
  readonly close: "]" | ""
  readonly maxBytes: number
  readonly maxRecords: number
}

/** Joins payloads into bodies, oldest first. What is larger than a body by itself is refused. Pure. */
export function splitJoined(records: readonly QueueRecord[], joining: Joining): Split<Uint8Array> {
  const { open, close, maxBytes, maxRecords } = joining
  /** What a body of `n` payloads has more than these and `n` bytes. */
  const around = open.length + close.length - 1
  const requests: SinkRequest<Uint8Array>[] = []
  const refused = new Map<number, string>()
  let indexes: number[] = []
  let bytes = around
  const end = (): void => {
    if (indexes.length > 0)
      requests.push({ records: indexes, body: joined(records, indexes, bytes, joining) })
    indexes = []
    bytes = around
  }
  for (const [index, { payload }] of records.entries()) {
    const more = payload.length + 1
    if (around + more > maxBytes) {
      refused.set(index, "too_large")
      continue
    }
    if (indexes.length >= maxRecords || bytes + more > maxBytes) end()
    indexes.push(index)
    bytes += more
  }
  end()
  return { requests, refused }
}

function joined(
  records: readonly QueueRecord[],
  indexes: readonly number[],
  bytes: number,
  { open, between, close }: Joining,
): Uint8Array {
  const out = Buffer.allocUnsafeSlow(bytes)
  let at = out.write(open)
  for (const [position, index] of indexes.entries()) {
    if (position > 0) at += out.write(between, at)
    const payload = records[index]?.payload ?? new Uint8Array()
    out.set(payload, at)
    at += payload.length
  }
  out.write(close, at)
  return out
}
