import type { MetricKey } from "#mesh/catalogue.ts"

/** Label values of one series without the empty ones. Names come from the catalogue. */
export type Labels = Readonly<Record<string, string>>

/** Index of a series in the ledger. Valid until the process ends, also after `retire` (then it counts into nothing). */
export type Slot = number

/** Something whose state is committed in the same transaction as the counters: file positions, raw stats, queues. */
export interface Participant {
  /** Stable over restarts, e.g. `tail`, `stats/yelb-ui-2`. */
  readonly key: string
  /** Bytes to keep, or undefined when nothing changed since the last call. Called once per commit, synchronously. */
  save(): Uint8Array | undefined
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
  /** Takes a gauge (or an expired counter) out of what is exposed from the next commit on. */
  retire(slot: Slot): void

  join(participant: Participant): void
  /** What the participant of this key last committed, before a restart. */
  restored(key: string): Uint8Array | undefined
  /** One transaction. Never throws: a failure freezes exposure, is counted, and is tried again at the next commit. */
  commit(): void
  /** Undefined while commits work, else the sentence that says why exposure is frozen. */
  readonly frozen: string | undefined
  close(): void
}
