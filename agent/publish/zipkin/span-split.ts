import type { QueueRecord, Split } from "../contract.ts"
import { splitJoined } from "../delivery/split-joined.ts"

export interface ZipkinLimits {
  readonly maxSpans: number
  /** Of the list, not compressed. */
  readonly maxBytes: number
}

/** Far below the 10 MiB that Zipkin's server takes, which counts what it inflates. */
export const ZIPKIN_LIMITS: ZipkinLimits = { maxSpans: 2000, maxBytes: 1024 * 1024 }

/** Joins spans, each a JSON object in UTF-8, into lists, oldest first. Pure. */
export function splitZipkin(
  records: readonly QueueRecord[],
  { maxSpans, maxBytes }: ZipkinLimits = ZIPKIN_LIMITS,
): Split<Uint8Array> {
  return splitJoined(records, { open: "[", between: ",", close: "]", maxBytes, maxRecords: maxSpans })
}
