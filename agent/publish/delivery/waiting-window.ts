import type { QueueRecord } from "../contract.ts"
import type { Held, RecordQueue } from "./record-queue.ts"

/** A record that was taken from the queue and is not settled. */
export interface Waiting<Item extends QueueRecord> {
  readonly held: Held<Item>
  /** How often it came back. */
  attempts: number
  /** Not to be sent before, monotonic ms. */
  dueMs: number
  /** Records of different parts do not go into one request. */
  part: number
  settled: boolean
}

export interface WindowLimits {
  readonly bytes: number
  readonly records: number
}

/** The records between queue and sink, in their order, within bounds. Newer ones flow past those that must wait. */
export class WaitingWindow<Item extends QueueRecord> {
  readonly #queue: RecordQueue<Item>
  readonly #limits: WindowLimits
  #waiting: Waiting<Item>[] = []
  #bytes = 0

  constructor(queue: RecordQueue<Item>, limits: WindowLimits) {
    this.#queue = queue
    this.#limits = limits
  }

  get size(): number {
    return this.#waiting.length
  }

  /** Whether some came back and wait for another try. */
  get stuck(): boolean {
    return this.#waiting.some((one) => one.attempts > 0 && !one.settled)
  }

  /** Whether some were not tried yet. */
  get fresh(): boolean {
    return this.#waiting.some((one) => one.attempts === 0)
  }

  get full(): boolean {
    return this.#waiting.length >= this.#limits.records || this.#bytes >= this.#limits.bytes
  }

  /** Takes what has room, or `some` records of it. Rejects when the queue cannot be read. */
  async fill(some = Infinity): Promise<void> {
    const most = Math.min(this.#limits.records, this.#waiting.length + some)
    while (!this.full && this.#waiting.length < most) {
      const room = { records: most - this.#waiting.length, bytes: this.#limits.bytes - this.#bytes }
      const taken = await this.#queue.take(room)
      if (taken.length === 0) return
      for (const held of taken) {
        this.#waiting.push({ held, attempts: 0, dueMs: -Infinity, part: 0, settled: false })
        this.#bytes += held.bytes
      }
    }
  }

  /** Those to be sent now. `ordered`: none while an older one must wait. */
  ready(nowMs: number, ordered: boolean): Waiting<Item>[] {
    if (!ordered) return this.#waiting.filter((one) => one.dueMs <= nowMs)
    const end = this.#waiting.findIndex((one) => one.dueMs > nowMs)
    return end < 0 ? this.#waiting.slice() : this.#waiting.slice(0, end)
  }

  /** When the next of them is due; infinite when none is here. */
  dueMs(ordered: boolean): number {
    if (ordered) return this.#waiting[0]?.dueMs ?? Infinity
    return this.#waiting.reduce((least, one) => Math.min(least, one.dueMs), Infinity)
  }

  /** Everything is due at once: no time is left. */
  hurry(): void {
    for (const one of this.#waiting) one.dueMs = -Infinity
  }

  settle(one: Waiting<Item>, delivered: number, reason?: string): void {
    one.settled = true
    this.#queue.settle(one.held, delivered, reason)
  }

  /** Lets go of those that were settled or pushed out. */
  sweep(): void {
    this.#waiting = this.#waiting.filter((one) => !one.held.gone && !one.settled)
    this.#bytes = this.#waiting.reduce((sum, one) => sum + one.held.bytes, 0)
  }
}
