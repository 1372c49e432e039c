import type { Content } from "./content.ts"
import { CHECK_BYTES, HEAD_BYTES, NO_PRINT, type Print, printAt, printOf, samePrint } from "./fingerprint.ts"
import type { Identity } from "./open-file.ts"
import type { TailCounters } from "./tail-counters.ts"

const NEWLINE = 10

/** How far a file was read, and how to know it again. What is kept over a restart. */
export interface Position {
  readonly identity: Identity
  /** Real path when it was opened. */
  readonly real: string
  /** Behind the last line that was handed over. */
  readonly offset: number
  /** Print of the file's first bytes. */
  readonly head: Print
  /** Print of the bytes before `offset`. */
  readonly check: Print
  /** Within a line that is passed over. */
  readonly skipping: boolean
}

/** What one read came to. */
export const Progress = {
  /** More may be there. */
  more: 0,
  /** At the end for now. */
  end: 1,
  /** The content is not the one that was read before: truncated, maybe filled again. */
  changed: 2,
} as const

/** Whole lines only: `end` is behind a newline. The buffer belongs to the tailer and is used again after the call. */
export type Deliver = (bytes: Buffer, start: number, end: number) => void

/** One file (inode) that is or was behind a path: open from its first look until it is read to its end for good. */
export class Generation {
  readonly content: Content
  readonly identity: Identity
  readonly real: string
  offset = 0
  head: Print = NO_PRINT
  check: Print = NO_PRINT
  skipping = false
  /** Nothing will be appended any more: a copy. */
  readonly final: boolean
  /** It has to be unpacked to be read. */
  readonly packed: boolean
  /** Something may be there to read. */
  pending = true
  /** Monotonic ms of the last look that found it changed. */
  changedAt = 0
  /** Bytes behind the last newline at the last read. */
  partial = 0
  #size = -1n
  #modified = -1n

  constructor(content: Content, identity: Identity, real: string, final = false, packed = false) {
    this.content = content
    this.identity = identity
    this.real = real
    this.final = final
    this.packed = packed
  }

  get position(): Position {
    const { identity, real, offset, head, check, skipping } = this
    return { identity, real, offset, head, check, skipping }
  }

  /** Whether what was read is still there. Reads the file. */
  unchanged(position: Position = this.position): boolean {
    const { head, check, offset } = position
    return (
      samePrint(printAt(this.content, 0, head.length), head) &&
      samePrint(printAt(this.content, offset - check.length, check.length), check)
    )
  }

  /** Goes on where `position` says, if the content there is what was read before; else says false and stays at the start. */
  resume(position: Position): boolean {
    if (!this.unchanged(position)) return false
    this.offset = position.offset
    this.head = position.head
    this.check = position.check
    this.skipping = position.skipping
    this.content.rest()
    return true
  }

  /** Begins at the end of what is there; a line that is half there is passed over. */
  beginAtEnd(size: number): void {
    const last = Buffer.alloc(1)
    if (size > 0) this.content.read(last, 0, 1, size - 1)
    this.skipping = size > 0 && last[0] !== NEWLINE
    this.offset = size
    this.head = printAt(this.content, 0, HEAD_BYTES)
    const length = Math.min(CHECK_BYTES, size)
    this.check = printAt(this.content, size - length, length)
  }

  /** Takes note of the file's state; `pending` when it moved since the last look. False: it is shorter than what was read. */
  look(stats: { readonly size: bigint; readonly mtimeNs: bigint }, now: number): boolean {
    if (stats.size < BigInt(this.offset)) return false
    if (stats.size !== this.#size || stats.mtimeNs !== this.#modified) {
      this.#size = stats.size
      this.#modified = stats.mtimeNs
      this.pending = true
      this.changedAt = now
    }
    return true
  }

  lookByDescriptor(now: number): boolean {
    return this.look(this.content.look(), now)
  }

  /** Starts over after a truncation. */
  reset(): void {
    this.offset = 0
    this.head = NO_PRINT
    this.check = NO_PRINT
    this.skipping = false
    this.pending = true
    this.partial = 0
  }

  /**
   * Reads one buffer, hands over the whole lines in it and moves the position behind them. The bytes before the
   * position are read once more: they prove that the file is still the same.
   */
  read(buffer: Buffer, counters: TailCounters, deliver: Deliver): number {
    const before = this.check.length
    const got = this.content.read(buffer, 0, buffer.length, this.offset - before)
    if (!this.#unchanged(buffer, before, got)) return Progress.changed
    const newline = got > before ? buffer.subarray(before, got).lastIndexOf(NEWLINE) : -1
    const full = got === buffer.length
    let next = newline < 0 ? before : before + newline + 1
    let from = before
    if (this.skipping && newline >= 0) {
      from = buffer.indexOf(NEWLINE, before) + 1
      this.skipping = false
    }
    if (newline < 0 && (full || this.skipping)) {
      // A line that no buffer holds is passed over piece by piece; it counts once, at its start.
      if (!this.skipping) counters.line_too_long += 1
      this.skipping = true
      next = got
    }
    counters.bytes += next - before
    this.#moveTo(buffer, before, next)
    this.partial = this.skipping ? 0 : got - next
    this.pending = full
    if (newline >= 0 && next > from) deliver(buffer, from, next)
    return full ? Progress.more : Progress.end
  }

  /** Before the lines are handed over, so that a position saved meanwhile would not repeat them. */
  #moveTo(buffer: Buffer, before: number, next: number): void {
    if (next === before) return
    this.offset += next - before
    this.check = printOf(buffer, Math.max(0, next - CHECK_BYTES), next)
  }

  #unchanged(buffer: Buffer, before: number, got: number): boolean {
    if (got < before || !samePrint(printOf(buffer, 0, before), this.check)) return false
    if (before >= CHECK_BYTES && this.head.length >= HEAD_BYTES) return true
    if (!samePrint(printAt(this.content, 0, this.head.length), this.head)) return false
    this.head = printAt(this.content, 0, HEAD_BYTES)
    return true
  }

  close(counters: TailCounters): void {
    this.content.close()
    counters.files_open -= 1
  }
}
