import { MeshscopeError } from "#mesh/errors.ts"
import { fileReason } from "#mesh/system-reason.ts"
import type { QueueRecord } from "../contract.ts"
import { countDrop, type DropCounts } from "../delivery/drop-counts.ts"
import type { Held } from "../delivery/record-queue.ts"
import { type DoomedSegments, makeDoomedSegments } from "./doomed-segments.ts"
import type { DurableCounters, DurableQueue, DurableQueueDeps } from "./durable-queue.ts"
import { FRAME_BYTES, HEADER_BYTES, MAX_KEY_BYTES, writeFrame } from "./frame.ts"
import type { BudgetMember } from "./queue-budget.ts"
import { encodeQueueState, type QueueState } from "./queue-state.ts"
import { newSegment, type Segment, segmentState, TakenRecord, unreadable } from "./segment.ts"
import { readSegment } from "./segment-reader.ts"
import { SegmentWriter } from "./segment-writer.ts"
import { heldIn, oldestMs } from "./segments-held.ts"

/** What waits to be written is written when it is more than this, without waiting for the commit. */
const FLUSH_BYTES = 256 * 1024
/** Most that waits in memory while the disk takes nothing. */
const MAX_BUFFERED = 8 * 1024 * 1024
/** Most that is written and not committed, e.g. while the ledger is frozen. */
const MAX_UNCOMMITTED = 64 * 1024 * 1024
const MAX_COUNT = 0xffff_ffff

/** Records in segment files whose valid ends are committed with the ledger. */
export class SegmentQueue implements DurableQueue, BudgetMember {
  readonly #deps: DurableQueueDeps
  readonly #writer = new SegmentWriter()
  readonly #drops: DropCounts
  readonly #segments: Segment[]
  readonly #doomed: DoomedSegments
  #current: Segment | undefined
  #next: number
  #offered: number
  #delivered: number
  #bytes: number
  #uncommitted = 0
  /** Whether a commit was asked for since the last one. */
  #asked = false
  /** Whether the last write failed; the next commit tries again. */
  #failing = false
  #changed = true
  #saved: DurableCounters | undefined
  #shown: DurableCounters
  #ready: (() => void) | undefined
  #closed = false

  /** @param marks of segments that had left, see `settlePushedOut` */
  constructor(deps: DurableQueueDeps, state: QueueState, segments: Segment[], marks: readonly string[]) {
    this.#deps = deps
    this.#doomed = makeDoomedSegments(marks)
    this.#next = state.next
    this.#offered = state.offered
    this.#delivered = state.delivered
    this.#drops = new Map(state.dropped)
    this.#segments = segments
    this.#bytes = segments.reduce((sum, segment) => sum + segment.end, 0)
    this.#shown = this.#count()
  }

  append(key: string, timeMs: number, payload: Uint8Array, count = 1): void {
    const things = Math.min(MAX_COUNT, Math.max(0, Math.trunc(count) || 0))
    const keyBytes = key === "" ? 0 : Buffer.byteLength(key)
    const bytes = FRAME_BYTES + keyBytes + payload.length
    this.#offered += things
    this.#changed = true
    const refused = this.#refusal(keyBytes, bytes)
    if (refused !== undefined) {
      countDrop(this.#drops, refused, things)
      return
    }
    const segment = this.#segmentFor(bytes, timeMs)
    const index = segment.records
    const parts = { index, key, keyBytes, timeMs, count: things, payload }
    this.#writer.append(segment, bytes, (into, at) => writeFrame(into, at, segment.salt, parts))
    segment.records++
    segment.things += things
    this.#bytes += bytes
    this.#uncommitted += bytes
    this.#askForCommit()
    if (this.#writer.buffered >= FLUSH_BYTES && !this.#failing) this.#flush()
  }

  /** A backlog that is read as fast as it goes must not wait for the commits' rhythm: it would not find room. */
  #askForCommit(): void {
    if (this.#asked || this.#uncommitted < this.#mostUncommitted / 2) return
    this.#asked = true
    this.#deps.crowded()
  }

  get #mostUncommitted(): number {
    const { segmentBytes, maxBytes } = this.#deps.budget
    return Math.max(segmentBytes, Math.min(MAX_UNCOMMITTED, maxBytes / 2))
  }

  #refusal(keyBytes: number, bytes: number): string | undefined {
    const { budget } = this.#deps
    if (keyBytes > MAX_KEY_BYTES) return "invalid"
    if (bytes > budget.segmentBytes - HEADER_BYTES) return "too_large"
    if (this.#failing && this.#writer.buffered + bytes > MAX_BUFFERED) return "disk"
    // After a commit that failed it is the disk that has no room, else the budget.
    if (this.#uncommitted + bytes > this.#mostUncommitted)
      return this.#saved === undefined ? "overflow" : "disk"
    return budget.claim(bytes + HEADER_BYTES) ? undefined : "overflow"
  }

  #segmentFor(bytes: number, timeMs: number): Segment {
    const { folder, budget, salt } = this.#deps
    if (this.#current !== undefined && this.#current.end + bytes <= budget.segmentBytes) return this.#current
    const full = this.#current
    this.#current = newSegment(folder, this.#next++, salt(), timeMs)
    this.#segments.push(this.#current)
    this.#bytes += this.#current.end
    if (full !== undefined) this.#endIfDone(full)
    return this.#current
  }

  /** Writes what waits. Answers the system's error. */
  #flush(): unknown {
    try {
      this.#writer.flush()
      this.#failing = false
      return undefined
    } catch (error) {
      this.#failing = true
      return error
    }
  }

  /** Ledger's participant: writes all that was appended, then says how far it reaches. */
  save(): Uint8Array | undefined {
    const problem = this.#flush()
    if (problem !== undefined)
      throw new MeshscopeError(
        "STATE_UNWRITABLE",
        `The queue in ${this.#deps.folder} cannot be written: ${fileReason(problem)}.`,
        { cause: problem, retryable: true },
      )
    if (this.#closed) this.#writer.release()
    if (!this.#changed) return undefined
    this.#changed = false
    this.#endIdle()
    for (const segment of this.#segments) {
      const { end, records, things } = segment
      segment.saved = { end, records, things }
    }
    this.#doomed.saved()
    this.#saved = this.#count()
    return encodeQueueState({
      next: this.#next,
      offered: this.#offered,
      delivered: this.#delivered,
      dropped: [...this.#drops],
      segments: this.#segments.map(segmentState),
    })
  }

  committed(): void {
    if (this.#saved === undefined) return
    this.#shown = this.#saved
    this.#saved = undefined
    this.#asked = false
    this.#uncommitted = 0
    for (const segment of this.#segments.slice()) {
      segment.visible = segment.saved
      this.#uncommitted += segment.end - Math.max(HEADER_BYTES, segment.visible.end)
      this.#endIfDone(segment)
    }
    this.#doomed.removeSaved()
    this.#writer.sync()
    if (this.waiting) this.#ready?.()
  }

  async take(limit: {
    readonly records: number
    readonly bytes: number
  }): Promise<readonly Held<QueueRecord>[]> {
    const room = { ...limit }
    for (;;) {
      const segment = this.#segments.find(({ readAt, visible }) => readAt < visible.end)
      if (segment === undefined) return []
      const taken = await readSegment(segment, room)
      if (segment.gone) continue
      if (segment.readAt >= segment.visible.end) this.#atEnd(segment)
      if (taken.length > 0) return taken
    }
  }

  #atEnd(segment: Segment): void {
    const lost = unreadable(segment)
    if (lost.records > 0) {
      countDrop(this.#drops, "damaged", lost.things)
      this.#changed = true
      this.#deps.note(
        `${segment.path} is damaged: ${lost.records} records (${lost.things} things) cannot be read. The others are sent.`,
        "QUEUE_DAMAGED",
      )
    }
    this.#endIfDone(segment)
  }

  settle(held: Held<QueueRecord>, delivered: number, reason = "rejected"): void {
    if (!(held instanceof TakenRecord) || held.gone || !held.segment.open.delete(held.index)) return
    const { segment, item, bytes } = held
    const arrived = Math.min(Math.max(0, delivered), item.count)
    segment.doneRecords++
    segment.doneThings += item.count
    segment.doneBytes += bytes
    this.#delivered += arrived
    countDrop(this.#drops, reason, item.count - arrived)
    this.#changed = true
    this.#endIfDone(segment)
  }

  get waiting(): boolean {
    return this.#segments.some(({ readAt, visible }) => readAt < visible.end)
  }

  listen(ready: () => void): void {
    this.#ready = ready
  }

  /** What is held stays on disk. The file is let go of with the next commit. */
  close(): void {
    this.#closed = true
    this.#ready = undefined
  }

  get counters(): DurableCounters {
    const shown = this.#shown
    const oldest = oldestMs(this.#segments)
    const lost = (this.#drops.get("disk") ?? 0) - (shown.dropped.get("disk") ?? 0)
    if (lost === 0) return { ...shown, oldestMs: oldest }
    const dropped = new Map(shown.dropped).set("disk", this.#drops.get("disk") ?? 0)
    return { ...shown, offered: shown.offered + lost, dropped, oldestMs: oldest }
  }

  get bytes(): number {
    return this.#bytes
  }

  get doomedBytes(): number {
    return this.#doomed.bytes
  }

  dropOldest(): boolean {
    const [segment] = this.#segments
    if (segment === undefined) return false
    countDrop(this.#drops, "overflow", segment.things - segment.doneThings)
    this.#uncommitted -= segment.end - Math.max(HEADER_BYTES, segment.visible.end)
    if (this.#current === segment) this.#current = undefined
    this.#writer.forget(segment)
    this.#doom(segment)
    return true
  }

  removeDoomed(): void {
    this.#doomed.removeAll()
  }

  /** A file that is not appended to any more, and of which all is settled, is not needed. */
  #endIfDone(segment: Segment): void {
    const { visible, end, readAt, open } = segment
    if (segment.gone || segment === this.#current || open.size > 0) return
    if (visible.end === end && readAt >= end) this.#doom(segment)
  }

  /** Does not wait until a file is full when all of it is settled. */
  #endIdle(): void {
    const segment = this.#current
    if (segment === undefined || segment.doneRecords < segment.records) return
    if (segment.end < this.#deps.budget.segmentBytes / 8) return
    this.#current = undefined
    this.#endIfDone(segment)
  }

  #doom(segment: Segment): void {
    segment.gone = true
    segment.open.clear()
    this.#segments.splice(this.#segments.indexOf(segment), 1)
    this.#doomed.add(segment)
    this.#bytes -= segment.end
    this.#changed = true
  }

  #count(): DurableCounters {
    const dropped = new Map(this.#drops)
    const gone = [...dropped.values()].reduce((sum, count) => sum + count, 0)
    return {
      offered: this.#offered,
      delivered: this.#delivered,
      dropped,
      held: this.#offered - this.#delivered - gone,
      ...heldIn(this.#segments),
      oldestMs: undefined,
      diskBytes: this.#bytes + this.#doomed.bytes,
      syncFailures: this.#writer.syncFailures,
    }
  }
}
