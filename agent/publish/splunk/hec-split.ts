import type { QueueRecord, Split } from "../contract.ts"
import { splitJoined } from "../delivery/split-joined.ts"

export interface HecBody {
  /** Events, each a JSON object, one behind another ("Format events", batches), with line breaks in between. */
  readonly text: Uint8Array
  /** How many events. */
  readonly events: number
}

/** Packs waiting events into requests of at most `maxBytes` before compression. What is larger by itself is refused. */
export function splitEvents(records: readonly QueueRecord[], maxBytes: number): Split<HecBody> {
  const joining = { open: "", between: "\n", close: "", maxBytes, maxRecords: Infinity } as const
  const { requests, refused } = splitJoined(records, joining)
  return {
    requests: requests.map(({ records: own, body }) => ({
      records: own,
      body: { text: body, events: own.length },
    })),
    refused,
  }
}
