import type { MetricKey } from "#mesh/catalogue.ts"
import type { Snapshot } from "#mesh/snapshot.ts"

/** Label values of one series without the empty ones. Names come from the catalogue. */
export type Labels = Readonly<Record<string, string>>

/** Index of a series in the ledger. Valid until the process ends, also after `retire` (then it counts into nothing). */
export type Slot = number

/** Something whose state is committed in the same transaction as the counters: file positions, raw stats, queues. */
export interface Participant {
  /** Stable over restarts, e.g. `tail`, `stats/yelb-ui-2`. */
  readonly key: string
  /**
   * Bytes to keep, or undefined when nothing changed since the last call. Called once per commit, synchronously, before
   * the counters are taken: a participant may still `add` and `observe` here. Bytes of length 0 remove what was kept.
   */
  save(): Uint8Array | undefined
}

/** What the ledger counts about itself. Plain numbers that only the ledger changes. */
export interface LedgerCounters {
  readonly commits: number
  readonly commitFailures: number
  /** Wall time of the last commit and of all, ms. */
  readonly lastCommitMs: number
  readonly commitMs: number
  readonly lastCommitBytes: number
  /** Series now exposed or waiting for their first commit. */
  readonly series: number
  /** Counters and histograms that were retired so far: when it moved, slots found before may count into nothing. */
  readonly retired: number
  /** Calls of `slot` that were answered with an overflow series. */
  readonly overflowed: number
  /** Amounts that were negative, infinite or no number, and were ignored. */
  readonly badAmounts: number
  readonly checkpoints: number
  readonly checkpointFailures: number
  /** Flushes of the write-ahead log that failed: a power cut may then cost more than one commit. */
  readonly syncFailures: number
}

/**
 * All that is counted. Everything is synchronous, so that whatever happens between two commits is committed together.
 * What is exposed is what was committed.
 */
export interface Ledger {
  /** Finds or makes a series; the cold path. Above the cap it answers the metric's overflow series. */
  slot(metric: MetricKey, labels: Labels): Slot
  /** Counters and gauges. `add` to a counter ignores and counts a negative or NaN amount. */
  add(slot: Slot, amount: number): void
  set(slot: Slot, value: number): void
  /** Histograms: `count` observations of `seconds`. */
  observe(slot: Slot, seconds: number, count?: number): void
  /** Histograms, many at once: counts per bucket from `counts[offset]` (`BUCKET_COUNT` of them) and their sum, seconds. */
  absorb(slot: Slot, counts: Uint16Array | Uint32Array | Float64Array, offset: number, sum: number): void
  /** Histograms: the trace of a request that stands for the series. Not kept over a restart. */
  exemplify(slot: Slot, traceId: string, seconds: number): void
  /** Takes a gauge (or an expired counter) out of what is exposed from the next commit on. */
  retire(slot: Slot): void
  /**
   * Retires counters and histograms that did not change for `idleMs` and that `alive` does not speak for. Answers how many.
   * See `series-owner.ts` for whose a series is.
   */
  expire(idleMs: number, alive: (metric: MetricKey, labels: ReadonlyMap<string, string>) => boolean): number

  join(participant: Participant): void
  /** The participant saves no more; what it committed is removed with the next commit. */
  leave(key: string): void
  /** What the participant of this key last committed, before a restart. */
  restored(key: string): Uint8Array | undefined
  /** One transaction. Never throws: a failure freezes exposure, is counted, and is tried again at the next commit. */
  commit(): void
  /** Undefined while commits work, else the sentence that says why exposure is frozen. */
  readonly frozen: string | undefined
  /** What is exposed. */
  readonly snapshot: Snapshot
  readonly counters: LedgerCounters
  close(): void
}
