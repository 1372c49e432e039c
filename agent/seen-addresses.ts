import type { Clock } from "#mesh/clock.ts"
import type { Ledger, Participant } from "./account/contract.ts"
import { BEGIN_LAG_MS } from "./account/stats/epoch.ts"

/** How often the times of proxies that go on answering are kept. */
const NOTE_MS = 60_000
/** Addresses that are kept beside those of today, the latest. */
const MOST_KEPT = 2000

/** A proxy that answers now: the text of its admin address, and when its stats were last read, wall clock ms. */
export interface Answering {
  readonly address: string
  readonly atMs: number
}

/**
 * When the stats at each admin address were last read; kept with the counters. A proxy that is seen again under another
 * name, or after its target was away for a while, has been counted until then: what it counted before must not count
 * again, although nobody knows its last values any more.
 */
export class SeenAddresses implements Participant {
  readonly key = "seen"
  readonly #clock: Clock
  readonly #now: () => Iterable<Answering>
  /** Ascending by time as far as one knows: what was noted last stands last. */
  readonly #seen: Map<string, number>
  #noted = Number.NEGATIVE_INFINITY
  #dirty = false

  constructor(ledger: Ledger, clock: Clock, now: () => Iterable<Answering>) {
    this.#clock = clock
    this.#now = now
    this.#seen = parse(ledger.restored(this.key))
    ledger.join(this)
  }

  /**
   * Wall clock, ms: what seems to have begun at this address before then may have been counted; 0 for never. Later than
   * the last reading, as a proxy seems to begin later than it did and must not pass for its own successor.
   */
  countedUntil(address: string): number {
    const last = this.#seen.get(address)
    return last === undefined ? 0 : last + BEGIN_LAG_MS
  }

  /** A target leaves, or the agent ends. */
  note({ address, atMs }: Answering): void {
    this.#seen.delete(address)
    this.#seen.set(address, atMs)
    this.#dirty = true
  }

  save(): Uint8Array | undefined {
    const now = this.#clock.monotonic()
    if (now - this.#noted >= NOTE_MS) {
      this.#noted = now
      for (const answering of this.#now()) this.note(answering)
    } else {
      // Counted for the first time in this commit: it must be known after a kill.
      for (const answering of this.#now()) if (!this.#seen.has(answering.address)) this.note(answering)
    }
    if (!this.#dirty) return undefined
    this.#dirty = false
    const current = [...this.#now()].length
    for (const address of this.#seen.keys()) {
      if (this.#seen.size <= current + MOST_KEPT) break
      this.#seen.delete(address)
    }
    return Buffer.from(JSON.stringify(Object.fromEntries(this.#seen)))
  }
}

/** What cannot be read is as if nobody had been seen. */
function parse(bytes: Uint8Array | undefined): Map<string, number> {
  if (bytes === undefined) return new Map()
  try {
    const kept: unknown = JSON.parse(Buffer.from(bytes).toString())
    if (typeof kept !== "object" || kept === null) return new Map()
    return new Map(
      Object.entries(kept).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
    )
  } catch {
    return new Map()
  }
}
