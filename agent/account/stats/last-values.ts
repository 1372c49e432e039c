import type { StatsPage } from "#mesh/stats.ts"
import type { KeptState } from "./kept-state.ts"
import { hashKey } from "./series-hash.ts"
import type { SeriesSpace } from "./series-space.ts"

/** What the changed values of a page mean. */
export type Reading =
  /** First sight of a proxy that began before we watched: values are remembered and nothing counts. */
  | "baseline"
  /** Differences count; a series that is new in a proxy we know counts whole, and so does one that fell. */
  | "differences"
  /** The proxy began after our last look: all values count whole. */
  | "whole"

/** The last value of each series of one proxy; NaN where there is none. */
export class LastValues {
  readonly #space: SeriesSpace
  values: Float64Array
  #layout: object | undefined
  #format: StatsPage["format"]
  /** Values of another process or plan, until a page showed which of them are still there. */
  #kept: ReadonlyMap<number, number> | undefined
  /** Places below this have been looked up in `#kept`. */
  #filled = 0

  constructor(space: SeriesSpace) {
    this.#space = space
    this.values = new Float64Array(space.count).fill(Number.NaN)
  }

  of(place: number): number {
    return this.values[place] ?? Number.NaN
  }

  /** Values by hash. Those of series that only a page will name (gRPC methods) are looked up then. */
  restore(kept: ReadonlyMap<number, number>): void {
    this.#kept = kept
    this.#fill()
  }

  /** Takes a page that was read earlier as known, where nothing else is: series that a new plan asks for. */
  adopt(page: StatsPage): void {
    const places = this.#bind(page)
    for (let line = 0; line < page.lines; line++) {
      const place = places[line] ?? -1
      if (place >= 0 && Number.isNaN(this.of(place))) this.values[place] = page.values[line] ?? Number.NaN
    }
  }

  /**
   * Whether a counter of a connection manager or of the server fell, which within one life of a proxy they do not:
   * clusters and listeners come and go with the configuration, those do not.
   */
  fell(page: StatsPage): boolean {
    const places = this.#bind(page)
    const { lasting, gauge, target, fixed } = this.#space
    for (let line = 0; line < page.lines; line++) {
      const place = places[line] ?? -1
      if (place < lasting || place >= fixed || gauge[target[place] ?? 0] === 1) continue
      if ((page.values[line] ?? 0) < this.of(place)) return true
    }
    return false
  }

  /** Puts the page's changes into the space's deltas, and remembers its values. */
  take(page: StatsPage, reading: Reading): void {
    const places = this.#bind(page)
    const anew = page.layout !== this.#layout
    const other = this.#format !== undefined && page.format !== this.#format
    this.#format = page.format
    if (reading === "whole") this.values.fill(Number.NaN)
    else if (anew) this.#forgetVanished(places, other)
    this.#layout = page.layout
    const everything = anew || reading !== "differences"
    const count = everything ? page.lines : page.changedCount
    for (let index = 0; index < count; index++) {
      const line = everything ? index : (page.changed[index] ?? 0)
      const place = places[line] ?? -1
      const value = page.values[line] ?? Number.NaN
      if (place >= 0 && value >= 0) this.#take(place, value, reading)
    }
    this.#kept = undefined
    if (other) this.#raise()
  }

  /** What left one page for good was taken off what is new on the other: no counter goes back for it. */
  #raise(): void {
    const { delta, gauge, fixed } = this.#space
    for (let field = 0; field < fixed; field++) {
      if (gauge[field] !== 1) delta[field] = Math.max(0, delta[field] ?? 0)
    }
  }

  #take(place: number, value: number, reading: Reading): void {
    const { target, gauge, delta } = this.#space
    const last = this.of(place)
    this.values[place] = value
    if (reading === "baseline" || value === last) return
    const field = target[place] ?? place
    const isGauge = gauge[field] === 1
    const from = Number.isNaN(last) || (!isGauge && value < last) ? 0 : last
    delta[field] = (delta[field] ?? 0) + value - from
    if (isGauge && field !== place) this.values[field] = Math.max(value, this.values[field] ?? 0)
    this.#space.touch(field)
  }

  /**
   * A series that left the page begins at zero should it come back: its cluster was removed.
   * @param other the page before was the other one, where the same series has another name: it is new there, and counts
   *   whole, so that what it had is taken off here
   */
  #forgetVanished(places: Int32Array, other: boolean): void {
    const there = new Set(places)
    const { target, gauge, delta, fixed } = this.#space
    for (let place = 0; place < this.values.length; place++) {
      const last = this.of(place)
      if (Number.isNaN(last) || there.has(place)) continue
      // Fields that only collect from other places have no line of their own.
      if (place < fixed && this.#space.isSum(place)) continue
      const field = target[place] ?? place
      if (gauge[field] === 1 || other) {
        delta[field] = (delta[field] ?? 0) - last
        this.#space.touch(field)
      }
      this.values[place] = Number.NaN
    }
  }

  #bind(page: StatsPage): Int32Array {
    const places = this.#space.bind(page)
    if (this.values.length < this.#space.count) {
      const bigger = new Float64Array(this.#space.count + 16).fill(Number.NaN)
      bigger.set(this.values)
      this.values = bigger
    }
    this.#fill()
    return places
  }

  #fill(): void {
    const { hashes, count } = this.#space
    for (; this.#kept !== undefined && this.#filled < count; this.#filled++) {
      const place = this.#filled
      const value = this.#kept.get(hashKey(hashes[place * 2] ?? 0, hashes[place * 2 + 1] ?? 0))
      if (value !== undefined) this.values[place] = value
    }
  }
}

export function restoreCarry(
  carry: { readonly hashes: readonly (readonly [number, number])[]; set(cell: number, value: number): void },
  kept: KeptState,
): void {
  for (const [cell, [high, low]] of carry.hashes.entries()) {
    carry.set(cell, kept.values.get(hashKey(high, low)) ?? 0)
  }
}
