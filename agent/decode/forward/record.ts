import { Pack, type PackReader } from "./msgpack.ts"

/** Keys that Docker's fluentd log driver writes, and those that FireLens adds (`enable-ecs-log-metadata`). */
const KEYS = [
  "log",
  "container_id",
  "container_name",
  "ecs_task_arn",
  "partial_message",
  "partial_id",
  "partial_last",
] as const
export type RecordKey = (typeof KEYS)[number]
const NAMES: readonly Buffer[] = KEYS.map((key) => Buffer.from(key))

/** A piece of a container's output. A view over the message: `[start, end)` per key, -1 where it is not there. */
export interface ForwardRecord {
  bytes: Buffer
  readonly spans: Int32Array
}

export const makeRecord = (): ForwardRecord => ({
  bytes: Buffer.alloc(0),
  spans: new Int32Array(KEYS.length * 2).fill(-1),
})

/**
 * Reads the next value as a record; other keys and values that are no texts are stepped over.
 * @returns whether it is one, with a `log`
 * @throws MeshscopeError INTAKE_MALFORMED
 */
export function readRecord(reader: PackReader, record: ForwardRecord): boolean {
  const { spans } = record
  record.bytes = reader.bytes
  spans.fill(-1)
  const start = reader.at
  const { kind, size } = reader.next()
  if (kind !== Pack.map) {
    reader.at = start
    reader.skip()
    return false
  }
  for (let pair = 0; pair < size; pair++) {
    const at = keyAt(reader)
    const before = reader.at
    const { kind: valueKind, body, size: length } = reader.next()
    if (valueKind !== Pack.bytes || at < 0) {
      reader.at = before
      reader.skip()
    } else {
      spans[at * 2] = body
      spans[at * 2 + 1] = body + length
    }
  }
  return (spans[0] ?? -1) >= 0
}

function keyAt(reader: PackReader): number {
  const before = reader.at
  const { kind, body, size } = reader.next()
  if (kind !== Pack.bytes) {
    reader.at = before
    reader.skip()
    return -1
  }
  return NAMES.findIndex(
    (name) => name.length === size && name.compare(reader.bytes, body, body + size) === 0,
  )
}

/** Longest text of a key beside `log`: a task's ARN has some 100 bytes. */
const LONGEST = 512

/** The text of a key; empty where it is not there, or too long to be one. */
export function recordText({ bytes, spans }: ForwardRecord, key: Exclude<RecordKey, "log">): string {
  const at = KEYS.indexOf(key) * 2
  const start = spans[at] ?? -1
  const end = spans[at + 1] ?? -1
  return start < 0 || end - start > LONGEST ? "" : bytes.toString("utf8", start, end)
}

/** Where the line lies, without a newline at its end. */
export function lineOf({ bytes, spans }: ForwardRecord): readonly [start: number, end: number] {
  const start = spans[0] ?? 0
  let end = spans[1] ?? 0
  if (end > start && bytes[end - 1] === 10) end--
  if (end > start && bytes[end - 1] === 13) end--
  return [start, end]
}
