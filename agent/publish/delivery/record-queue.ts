import type { QueueRecord } from "../contract.ts"

/** A record that was taken to be sent. The queue holds it until it is settled. */
export interface Held<Item extends QueueRecord> {
  readonly item: Item
  /** What it takes of budgets. */
  readonly bytes: number
  /** It was pushed out meanwhile, and counted: it need not be sent, and settling it does nothing. */
  readonly gone: boolean
}

/**
 * Counted in things (`QueueRecord.count`): offered = delivered + all dropped + held, at any time. Dropped by reason:
 * `overflow` (pushed out by newer ones, or refused for want of room), `shutdown`, `disk` (could not be written), `damaged`
 * (could not be read), `unsplit` (a fault in the sink), or the sink's own word for what it or its receiver refused.
 */
export interface QueueCounters {
  readonly offered: number
  readonly delivered: number
  readonly dropped: ReadonlyMap<string, number>
  readonly held: number
  readonly heldRecords: number
  readonly heldBytes: number
  /** When the record happened that waits longest, ms since the epoch; undefined when none does. */
  readonly oldestMs: number | undefined
}

/** Where records wait for `Delivery`. */
export interface RecordQueue<Item extends QueueRecord> {
  /**
   * The oldest records that were not taken yet, at most so many and about so many bytes; one at least, when there is one.
   * Calls must not overlap. Rejects when the disk cannot be read now.
   */
  take(limit: { readonly records: number; readonly bytes: number }): Promise<readonly Held<Item>[]>
  /** Is done with: so many of its things arrived, the rest is dropped for `reason`. Doing it twice does nothing more. */
  settle(held: Held<Item>, delivered: number, reason?: string): void
  /** Whether `take` may have something to answer. */
  readonly waiting: boolean
  /** Calls `ready` whenever something new can be taken. One listener. */
  listen(ready: () => void): void
  /** After the last `take` and `settle`: what is kept in memory is dropped, what is kept on disk stays. */
  close(): void
  readonly counters: QueueCounters
}
