import { randomInt } from "node:crypto"
import { join } from "node:path"
import { MeshscopeError } from "#mesh/errors.ts"
import { makeFolder } from "#mesh/folder.ts"
import { fileReason } from "#mesh/system-reason.ts"
import type { DurableQueue, QueueNote } from "./durable-queue.ts"
import { settlePushedOut } from "./pushed-out.ts"
import type { QueueBudget } from "./queue-budget.ts"
import { decodeQueueState, type QueueState } from "./queue-state.ts"
import { restoredSegment } from "./segment.ts"
import { adopt, cutBack, type FoundSegment, findSegments } from "./segment-folder.ts"
import { SegmentQueue } from "./segment-queue.ts"

/** Where the queue commits what it knows: the ledger. */
export interface ParticipantHost {
  join(participant: { readonly key: string; save(): Uint8Array | undefined }): void
  /** What was last committed under the key, before a restart. */
  restored(key: string): Uint8Array | undefined
}

export interface OpenQueueOptions {
  /** Of all queues, e.g. `<state>/queue`. Made when missing. */
  readonly folder: string
  /** The sink's name: its folder and its key in the ledger. A word of ours. */
  readonly sink: string
  readonly budget: QueueBudget
  readonly participantHost: ParticipantHost
  /** Told of damage, and of records whose state was lost. */
  readonly note?: QueueNote
  /** Told when so much was appended since the last commit that the next one should come soon. */
  readonly crowded?: () => void
}

/**
 * Opens the durable queue of a sink and takes up what was committed. What was written after the last commit is cut off.
 * When the ledger's state was lost, all whole records that are there are sent, maybe again.
 * @throws MeshscopeError STATE_FUTURE, STATE_UNWRITABLE
 */
export function openQueue(options: OpenQueueOptions): DurableQueue {
  const { sink, budget, participantHost } = options
  const { note = () => undefined, crowded = () => undefined } = options
  const folder = join(options.folder, sink)
  const key = `queue/${sink}`
  const found = filesOf(folder)
  const bytes = participantHost.restored(key)
  const committed = bytes === undefined ? undefined : decodeQueueState(bytes, sink)
  if (bytes !== undefined && committed === undefined)
    note(`What was committed of the queue of ${sink} is damaged.`, "QUEUE_DAMAGED")
  const { state, marks } = settlePushedOut(folder, committed ?? adopted(folder, found, note))
  if (committed !== undefined) cutBack(found, state.segments)
  const next = found.reduce((most, { number }) => Math.max(most, number + 1), state.next)
  const segments = state.segments.map((segment) => restoredSegment(folder, segment))
  const queue = new SegmentQueue(
    { folder, sink, budget, note, crowded, salt: randomSalt },
    { ...state, next },
    segments,
    marks,
  )
  budget.join(queue)
  // The budget may be smaller than it was.
  budget.claim(0)
  participantHost.join({ key, save: () => queue.save() })
  return queue
}

const randomSalt = (): number => randomInt(2 ** 32)

function filesOf(folder: string): FoundSegment[] {
  try {
    makeFolder(folder, 0o700)
    return findSegments(folder)
  } catch (cause) {
    if (cause instanceof MeshscopeError) throw cause
    throw new MeshscopeError(
      "STATE_UNWRITABLE",
      `The queue in ${folder} cannot be used: ${fileReason(cause)}.`,
      {
        cause,
      },
    )
  }
}

/** The state of a queue whose committed state is not there: empty, but for the files that are found. */
function adopted(folder: string, found: readonly FoundSegment[], note: QueueNote): QueueState {
  const segments = found.flatMap((one) => adopt(folder, one) ?? [])
  const offered = segments.reduce((sum, { things }) => sum + things, 0)
  const unread = found.length - segments.length
  if (segments.length > 0)
    note(
      `The state of the queue in ${folder} was lost: its ${offered} things are sent, some maybe again.`,
      "QUEUE_DAMAGED",
    )
  if (unread > 0)
    note(`${unread} files of the queue in ${folder} hold nothing that can be read.`, "QUEUE_DAMAGED")
  cutBack(
    found.filter(({ number }) => segments.every((segment) => segment.number !== number)),
    [],
  )
  return { next: 1, offered, delivered: 0, dropped: [], segments }
}
