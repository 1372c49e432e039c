import * as z from "zod"
import { MeshscopeError } from "#mesh/errors.ts"

const VERSION = 1
const whole = z.int().min(0)

/** What is known of one segment file. Everything up to `end` was written and committed. */
const segmentState = z.strictObject({
  number: whole,
  salt: whole,
  end: whole,
  records: whole,
  things: whole,
  /** When its first record happened. */
  firstMs: z.number(),
  /** What is settled of it: records, things and bytes. */
  done: z.tuple([whole, whole, whole]),
  /** Records below this index are settled, but for those in `open`: first index and number of each run. */
  read: whole,
  open: z.array(whole),
})
export type SegmentState = z.infer<typeof segmentState>

const queueState = z.strictObject({
  version: z.literal(VERSION),
  /** No segment has this number or a higher one. */
  next: whole,
  offered: whole,
  delivered: whole,
  dropped: z.array(z.tuple([z.string(), whole])),
  segments: z.array(segmentState),
})
/** What is committed of a queue together with the ledger. */
export type QueueState = Omit<z.infer<typeof queueState>, "version">

export function encodeQueueState(state: QueueState): Uint8Array {
  return Buffer.from(JSON.stringify({ version: VERSION, ...state }))
}

/**
 * Undefined when the bytes are damaged.
 * @throws MeshscopeError STATE_FUTURE
 */
export function decodeQueueState(bytes: Uint8Array, sink: string): QueueState | undefined {
  let read: unknown
  try {
    read = JSON.parse(Buffer.from(bytes).toString("utf8"))
  } catch {
    return undefined
  }
  const version = z.object({ version: whole }).safeParse(read)
  if (version.success && version.data.version > VERSION)
    throw new MeshscopeError(
      "STATE_FUTURE",
      `The queue of ${sink} was committed in version ${version.data.version}; this program knows ${VERSION}.`,
    )
  const parsed = queueState.safeParse(read)
  return parsed.success ? parsed.data : undefined
}

/** Ascending numbers as runs: first, length, first, length... */
export function runsOf(numbers: Iterable<number>): number[] {
  const runs: number[] = []
  let next = -1
  for (const number of numbers) {
    if (number === next) runs[runs.length - 1] = (runs.at(-1) ?? 0) + 1
    else runs.push(number, 1)
    next = number + 1
  }
  return runs
}

/** Undoes `runsOf`; stops at `most` numbers. */
export function numbersOf(runs: readonly number[], most: number): Set<number> {
  const numbers = new Set<number>()
  for (let at = 0; at + 1 < runs.length; at += 2) {
    const first = runs[at] ?? 0
    for (let step = 0; step < (runs[at + 1] ?? 0) && numbers.size < most; step++) numbers.add(first + step)
  }
  return numbers
}
