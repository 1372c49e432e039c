import type { ErrorCode } from "#mesh/errors.ts"
import type { Outbox, QueueRecord } from "../contract.ts"
import type { QueueCounters, RecordQueue } from "../delivery/record-queue.ts"
import type { QueueBudget } from "./queue-budget.ts"

/** What waits on disk for one sink. See `openQueue`. */
export interface DurableQueue extends Outbox, RecordQueue<QueueRecord> {
  /** To be called after each commit of the ledger that worked: what was saved may be sent now. */
  committed(): void
  /** As of the last commit, so that they do not fall after kill -9; only drops for `disk` are told before. */
  readonly counters: DurableCounters
}

export interface DurableCounters extends QueueCounters {
  /** Of its files, with what waits to be written. */
  readonly diskBytes: number
  /** Flushes to the disk that failed. */
  readonly syncFailures: number
}

/** Told what the user should know. */
export type QueueNote = (sentence: string, code: ErrorCode) => void

export interface DurableQueueDeps {
  /** The sink's own, there already. */
  readonly folder: string
  readonly sink: string
  readonly budget: QueueBudget
  readonly note: QueueNote
  readonly crowded: () => void
  /** A whole number below 2^32 that nobody can guess. */
  readonly salt: () => number
}
