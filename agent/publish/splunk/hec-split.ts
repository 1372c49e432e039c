import type { QueueRecord, SinkRequest, Split } from "../contract.ts"

export interface HecBody {
  /** Events, each a JSON object, one behind another ("Format events", batches), with line breaks in between. */
  readonly text: Uint8Array
  /** How many events. */
  readonly events: number
}

const BREAK = 0x0a

/** Packs waiting events into requests of at most `maxBytes` before compression. What is larger by itself is refused. */
export function splitEvents(records: readonly QueueRecord[], maxBytes: number): Split<HecBody> {
  const requests: SinkRequest<HecBody>[] = []
  const refused = new Map<number, string>()
  let own: number[] = []
  let bytes = 0
  const close = (): void => {
    if (own.length > 0) requests.push({ records: own, body: joined(records, own, bytes) })
    own = []
    bytes = 0
  }
  for (const [index, { payload }] of records.entries()) {
    if (payload.length > maxBytes) {
      refused.set(index, "too_large")
      continue
    }
    if (own.length > 0 && bytes + 1 + payload.length > maxBytes) close()
    bytes += payload.length + (own.length > 0 ? 1 : 0)
    own.push(index)
  }
  close()
  return { requests, refused }
}

function joined(records: readonly QueueRecord[], own: readonly number[], bytes: number): HecBody {
  const text = new Uint8Array(bytes)
  let end = 0
  for (const index of own) {
    if (end > 0) text[end++] = BREAK
    const payload = records[index]?.payload ?? new Uint8Array()
    text.set(payload, end)
    end += payload.length
  }
  return { text, events: own.length }
}
