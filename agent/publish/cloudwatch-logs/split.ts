import { isUtf8 } from "node:buffer"
import type { QueueRecord, SinkRequest, Split } from "../contract.ts"

/** Limits of PutLogEvents (client-cloudwatch-logs, PutLogEventsCommand). */
const MAX_REQUEST_BYTES = 1_048_576
/** Added to each event's UTF-8 bytes. */
const EVENT_OVERHEAD_BYTES = 26
const MAX_EVENTS = 10_000
/** An event alone must fit a request too. */
export const MAX_EVENT_BYTES = MAX_REQUEST_BYTES - EVENT_OVERHEAD_BYTES
const DAY_MS = 86_400_000
const SPAN_MS = DAY_MS
const OLDEST_MS = 14 * DAY_MS
const NEWEST_MS = 2 * 3_600_000

/** One request: events of one group in order of time. The stream is the sink's. */
export interface LogBatch {
  readonly group: string
  readonly events: readonly LogEvent[]
}
export interface LogEvent {
  readonly timeMs: number
  /** UTF-8. */
  readonly message: Uint8Array
}

/**
 * Cuts records, whose keys are log groups, into requests. Each group's events are sorted by time (those of one time stay in
 * order) and cut where a limit is reached, which takes as few requests as events in that order can.
 */
export function splitLogEvents(records: readonly QueueRecord[], nowMs: number): Split<LogBatch> {
  const refused = new Map<number, string>()
  const groups = new Map<string, number[]>()
  for (const [index, record] of records.entries()) {
    const reason = refusal(record, nowMs)
    if (reason !== undefined) refused.set(index, reason)
    else if (groups.get(record.key)?.push(index) === undefined) groups.set(record.key, [index])
  }
  const requests: SinkRequest<LogBatch>[] = []
  for (const [group, indexes] of groups) {
    const byTime = indexes.toSorted((a, b) => timeOf(records, a) - timeOf(records, b))
    for (const part of parts(byTime, records)) requests.push(requestOf(group, part, records))
  }
  return { requests, refused }
}

/** What the service would drop without failing the request, or fail the request for. */
function refusal({ timeMs, payload }: QueueRecord, nowMs: number): string | undefined {
  if (payload.length === 0 || !Number.isSafeInteger(timeMs) || timeMs < 0 || !isUtf8(payload))
    return "invalid"
  if (payload.length > MAX_EVENT_BYTES) return "too_large"
  if (timeMs < nowMs - OLDEST_MS) return "too_old"
  return timeMs > nowMs + NEWEST_MS ? "too_new" : undefined
}

function* parts(byTime: readonly number[], records: readonly QueueRecord[]): Iterable<readonly number[]> {
  let start = 0
  let bytes = 0
  for (const [at, index] of byTime.entries()) {
    const size = (records[index]?.payload.length ?? 0) + EVENT_OVERHEAD_BYTES
    const spanMs = timeOf(records, index) - timeOf(records, byTime[start] ?? index)
    if (at - start >= MAX_EVENTS || bytes + size > MAX_REQUEST_BYTES || spanMs >= SPAN_MS) {
      yield byTime.slice(start, at)
      start = at
      bytes = 0
    }
    bytes += size
  }
  yield byTime.slice(start)
}

function requestOf(
  group: string,
  indexes: readonly number[],
  records: readonly QueueRecord[],
): SinkRequest<LogBatch> {
  const events: LogEvent[] = []
  for (const index of indexes) {
    const record = records[index]
    if (record !== undefined) events.push({ timeMs: record.timeMs, message: record.payload })
  }
  return { records: indexes, body: { group, events } }
}

const timeOf = (records: readonly QueueRecord[], index: number): number => records[index]?.timeMs ?? 0
