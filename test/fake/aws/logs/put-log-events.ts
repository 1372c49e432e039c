import type { Input, JsonHandler } from "../operation.ts"
import { Refusal } from "../refusal.ts"
import { rejectedEntity } from "./entity.ts"
import { existingGroup } from "./groups.ts"
import { constraint, groupName, invalid, object, streamName } from "./members.ts"
import type { LogGroup, LogsStore, StoredEvent } from "./store.ts"

/** All from client-cloudwatch-logs, PutLogEventsCommand. */
const MAX_BATCH_BYTES = 1_048_576
const EVENT_OVERHEAD_BYTES = 26
const MAX_EVENTS = 10_000
/** "Each log event can be no larger than 1 MB"; whether the 26 bytes count is not documented, and the batch holds them. */
const MAX_EVENT_BYTES = 1_048_576
const DAY_MS = 86_400_000
const OLDEST_MS = 14 * DAY_MS
const NEWEST_MS = 2 * 3_600_000
const SPAN_MS = DAY_MS

interface Event {
  readonly timestamp: number
  readonly message: string
}

/** Which events are not taken; the others are those from `from` until before `to`. */
interface Cut {
  readonly from: number
  readonly to: number
  readonly info: Readonly<Record<string, number>>
}

/** @param onTaken told of each event that is stored, for the embedded metric format */
export function putLogEvents(
  store: LogsStore,
  onTaken: (group: LogGroup, event: StoredEvent) => void,
): JsonHandler {
  return (input, { nowMs, refuse }) => {
    const group = existingGroup(store, groupName(input))
    const streamOf = streamName(input)
    const stream = group.streams.get(streamOf)
    if (stream === undefined)
      throw new Refusal("ResourceNotFoundException", "The specified log stream does not exist.")
    // X-Ray's Transaction Search owns it, others may not write (the code is not documented)
    if (group.name === "aws/spans") throw invalid("The log group aws/spans is written by AWS X-Ray only.")
    const events = checkedEvents(input)
    const cut =
      refuse === undefined ? cutByTime(events, group.retentionInDays, nowMs) : cutFirst(events, refuse.first)
    const taken = events.slice(cut.from, cut.to)
    refuseLongSpan(taken)
    for (const { timestamp, message } of taken) {
      const stored = { timestamp, message, ingestionTime: nowMs, stream: streamOf }
      stream.push(stored)
      onTaken(group, stored)
    }
    const entity = rejectedEntity(input["entity"])
    return {
      // "The sequence token is now ignored", and one is given all the same
      nextSequenceToken: String(nowMs),
      ...(Object.keys(cut.info).length === 0 ? {} : { rejectedLogEventsInfo: cut.info }),
      ...(entity === undefined ? {} : { rejectedEntityInfo: { errorType: entity } }),
    }
  }
}

/** Everything that fails the whole call but the span. @throws Refusal */
function checkedEvents(input: Input): Event[] {
  const list = input["logEvents"]
  if (!Array.isArray(list)) throw constraint("logEvents", null, "Member must not be null")
  if (list.length < 1)
    throw constraint("logEvents", "[]", "Member must have length greater than or equal to 1")
  if (list.length > MAX_EVENTS)
    throw constraint(
      "logEvents",
      `(${list.length})`,
      `Member must have length less than or equal to ${MAX_EVENTS}`,
    )
  const events = list.map((event, index) => checkedEvent(event, `logEvents.${index + 1}.member`))
  const sizes = events.map(({ message }) => Buffer.byteLength(message))
  const largest = Math.max(...sizes)
  if (largest > MAX_EVENT_BYTES)
    throw invalid(`Log event too large: ${largest} bytes exceeds limit of ${MAX_EVENT_BYTES}`)
  const bytes = sizes.reduce((sum, size) => sum + size + EVENT_OVERHEAD_BYTES, 0)
  if (bytes > MAX_BATCH_BYTES)
    throw invalid(`Upload too large: ${bytes} bytes exceeds limit of ${MAX_BATCH_BYTES}`)
  if (events.some(({ timestamp }, index) => timestamp < (events[index - 1]?.timestamp ?? 0)))
    throw invalid("Log events in a single PutLogEvents request must be in chronological order.")
  return events
}

/** docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_InputLogEvent.html: minimum value 0, minimum length 1 */
function checkedEvent(value: unknown, member: string): Event {
  const { timestamp, message } = object(value, member)
  if (typeof timestamp !== "number" || !Number.isInteger(timestamp))
    throw new Refusal("SerializationException", `${member}.timestamp is not an integer.`)
  if (timestamp < 0)
    throw constraint(`${member}.timestamp`, timestamp, "Member must have value greater than or equal to 0")
  if (typeof message !== "string")
    throw new Refusal("SerializationException", `${member}.message is not a string.`)
  if (message === "")
    throw constraint(`${member}.message`, "", "Member must have length greater than or equal to 1")
  return { timestamp, message }
}

/**
 * client-cloudwatch-logs, RejectedLogEventsInfo: the first too new (inclusive), the end of the too old (exclusive). Of
 * `expiredLogEventEndIndex` it says only "the expired log events": here the end, exclusive, of those before the retention.
 */
function cutByTime(events: readonly Event[], retentionDays: number | undefined, nowMs: number): Cut {
  const before = (ms: number): number => {
    const index = events.findIndex(({ timestamp }) => timestamp >= ms)
    return index < 0 ? events.length : index
  }
  const tooOld = before(nowMs - OLDEST_MS)
  const expired = retentionDays === undefined ? 0 : before(nowMs - retentionDays * DAY_MS)
  const tooNew = before(nowMs + NEWEST_MS + 1)
  return {
    from: Math.max(tooOld, expired),
    to: tooNew,
    info: {
      ...(tooOld > 0 ? { tooOldLogEventEndIndex: tooOld } : {}),
      ...(expired > 0 ? { expiredLogEventEndIndex: expired } : {}),
      ...(tooNew < events.length ? { tooNewLogEventStartIndex: tooNew } : {}),
    },
  }
}

/** The fault `refuse`: as if the first were too old. */
function cutFirst(events: readonly Event[], first: number): Cut {
  const from = Math.min(first, events.length)
  return { from, to: events.length, info: from > 0 ? { tooOldLogEventEndIndex: from } : {} }
}

/** "For valid events [...], the time span in a single batch cannot exceed 24 hours. Otherwise, the operation fails." */
function refuseLongSpan(taken: readonly Event[]): void {
  const span = (taken.at(-1)?.timestamp ?? 0) - (taken[0]?.timestamp ?? 0)
  if (span > SPAN_MS)
    throw invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
}
