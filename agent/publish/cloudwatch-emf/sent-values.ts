import type { MetricKey } from "#mesh/catalogue.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"
import type { Family, Series, Snapshot } from "#mesh/snapshot.ts"
import { decodeSent, encodeSent, type SentRecord } from "./sent-codec.ts"

/** What came since the last time: `amount` of a counter, or seconds of a histogram with counts per bucket. */
export interface Delta {
  amount: number
  /** `BUCKET_COUNT` counts; all 0 for counters. Used again for the next series. */
  readonly counts: Float64Array
}

/**
 * How much of each series was told already. By slot: the ledger gives a counter the same slot after a restart, and a series
 * that counts anew has another start time, so slot and start time together say whether a kept number is of this series.
 * What is kept belongs into the same commit as the records that were made of it.
 */
export interface SentValues {
  /**
   * Takes what came since the last call. False when there is nothing.
   * A value that fell without a new start time cannot come from our ledger: it is taken as it is and nothing is told.
   */
  take(series: Series, snapshot: Snapshot, into: Delta): boolean
  /** Bytes to keep, or undefined when nothing changed since the last call. */
  save(snapshot: Snapshot): Uint8Array | undefined
}

/**
 * @param keys metrics that are told
 * @param restored what was kept before a restart. What is in the ledger now and was never told is not told later either:
 *   it was counted before anybody wanted to know, and would stand as one spike.
 */
export function makeSentValues(
  keys: ReadonlySet<MetricKey>,
  snapshot: Snapshot,
  restored: Uint8Array | undefined,
): SentValues {
  const told = new Told()
  const kept = restored === undefined ? undefined : decodeSent(restored)
  for (const record of kept?.records ?? []) told.put(record)
  let dirty = false
  for (const family of familiesOf(snapshot, keys)) {
    if (kept?.keys.has(family.key) === true) continue
    dirty = true
    for (const series of family.series) told.put(recordOf(series, snapshot))
  }
  return {
    take(series, from, into) {
      const changed = told.take(series, from, into)
      if (changed) dirty = true
      return changed && (into.amount > 0 || into.counts.some((count) => count > 0))
    },
    save(from) {
      if (!dirty) return undefined
      dirty = false
      return encodeSent(keys, told.records(familiesOf(from, keys)))
    },
  }
}

class Told {
  #starts = new Float64Array(1024)
  #values = new Float64Array(1024)
  readonly #counts = new Map<number, Float64Array>()

  put({ slot, startMs, value, counts }: SentRecord): void {
    this.#grow(slot)
    this.#starts[slot] = startMs
    this.#values[slot] = value
    if (counts === undefined) this.#counts.delete(slot)
    else this.#counts.set(slot, counts)
  }

  take(series: Series, snapshot: Snapshot, into: Delta): boolean {
    const { slot } = series
    if (!this.#knows(series)) this.put(emptyRecord(series))
    const value = snapshot.values[slot] ?? 0
    into.amount = value - (this.#values[slot] ?? 0)
    into.counts.fill(0)
    const moved = this.#takeCounts(series, snapshot, into.counts)
    if (!moved && into.amount === 0) return false
    this.#values[slot] = value
    into.amount = Math.max(0, into.amount)
    return true
  }

  /** What there is to keep of the series that are there; those of others are forgotten. */
  *records(families: Iterable<Family>): Generator<SentRecord> {
    const present = new Set<number>()
    for (const family of families) {
      for (const series of family.series) {
        present.add(series.slot)
        if (!this.#knows(series)) continue
        const { slot, startMs } = series
        yield { slot, startMs, value: this.#values[slot] ?? 0, counts: this.#counts.get(slot) }
      }
    }
    for (const slot of this.#counts.keys()) if (!present.has(slot)) this.#counts.delete(slot)
  }

  #takeCounts(series: Series, snapshot: Snapshot, into: Float64Array): boolean {
    const counts = this.#counts.get(series.slot)
    if (counts === undefined) return false
    let moved = false
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      const now = snapshot.buckets[series.bucketAt + bucket] ?? 0
      const came = now - (counts[bucket] ?? 0)
      if (came === 0) continue
      moved = true
      counts[bucket] = now
      into[bucket] = Math.max(0, came)
    }
    return moved
  }

  #knows({ slot, startMs }: Series): boolean {
    return slot < this.#starts.length && this.#starts[slot] === startMs
  }

  #grow(slot: number): void {
    if (slot < this.#starts.length) return
    const size = Math.max(slot + 1, this.#starts.length * 2)
    const starts = new Float64Array(size)
    const values = new Float64Array(size)
    starts.set(this.#starts)
    values.set(this.#values)
    this.#starts = starts
    this.#values = values
  }
}

function* familiesOf(snapshot: Snapshot, keys: ReadonlySet<MetricKey>): Generator<Family> {
  for (const family of snapshot.families) {
    if (keys.has(family.key) && family.metric.type !== "gauge") yield family
  }
}

function recordOf({ slot, startMs, bucketAt }: Series, snapshot: Snapshot): SentRecord {
  return {
    slot,
    startMs,
    value: snapshot.values[slot] ?? 0,
    counts: bucketAt < 0 ? undefined : snapshot.buckets.slice(bucketAt, bucketAt + BUCKET_COUNT),
  }
}

function emptyRecord({ slot, startMs, bucketAt }: Series): SentRecord {
  return { slot, startMs, value: 0, counts: bucketAt < 0 ? undefined : new Float64Array(BUCKET_COUNT) }
}
