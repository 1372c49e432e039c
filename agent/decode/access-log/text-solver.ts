import { Shape } from "./target.ts"
import { endOf, findLiteral, literalAt, startOf } from "./text-shape.ts"

/** How many ways there are to read a line. */
export const Reading = { none: 0, one: 1, several: 2 } as const

/**
 * Reads a run of values between two known borders, whatever strangers wrote into the wild ones.
 *
 * What lies between two wild values (literals and values of a known shape) is a pattern. Placing each pattern as far
 * left as it goes, and then as far right as it goes, gives two readings between which every other one lies; where they
 * agree there is only one. (A pattern that starts later never ends earlier, so the greedy placements are the extremes.)
 */
export class TextSolver {
  /** Borders per slot in the leftmost reading (`[2i]` start, `[2i + 1]` end) and in the rightmost. */
  readonly left: Int32Array
  readonly right: Int32Array
  readonly #literals: readonly Buffer[]
  readonly #shapes: readonly number[]

  constructor(literals: readonly Buffer[], shapes: readonly number[]) {
    this.#literals = literals
    this.#shapes = shapes
    this.left = new Int32Array(shapes.length * 2)
    this.right = new Int32Array(shapes.length * 2)
  }

  /** Solves slots `[from, to)` of which the first starts at `start` and the last ends at `end`. Answers a `Reading`. */
  solve(bytes: Buffer, from: number, to: number, start: number, end: number): number {
    const first = this.#nextWild(from, to)
    const at = this.#forward(bytes, from, first, to, start, end, this.left)
    if (at < 0) return Reading.none
    for (let border = from * 2; border < first * 2; border++) this.right[border] = this.left[border] ?? 0
    if (first === to) return Reading.one
    const last = this.#lastWild(first, to)
    const stop = this.#backward(bytes, last, to, at, end)
    if (stop < at) return Reading.none
    if (!this.#leftmost(bytes, first, last, at, stop)) return Reading.none
    return this.#rightmost(bytes, first, last, at, stop) ? Reading.one : Reading.several
  }

  #nextWild(from: number, to: number): number {
    let slot = from
    while (slot < to && this.#shapes[slot] !== Shape.wild) slot++
    return slot
  }

  #lastWild(from: number, to: number): number {
    let slot = to - 1
    while (slot > from && this.#shapes[slot] !== Shape.wild) slot--
    return slot
  }

  /** Reads slots `[slot, until)` from `at` on; answers where slot `until` starts, or -1. `to` ends at `limit` exactly. */
  #forward(
    bytes: Buffer,
    slot: number,
    until: number,
    to: number,
    at: number,
    limit: number,
    out: Int32Array,
  ): number {
    for (; slot < until; slot++) {
      const literal = slot + 1 === to ? NOTHING : this.#literal(slot + 1)
      const end = endOf(this.#shapes[slot] ?? Shape.wild, bytes, literal, at, limit)
      if (end < 0) return -1
      out[slot * 2] = at
      out[slot * 2 + 1] = end
      at = end + literal.length
    }
    return at
  }

  /** Reads the slots behind `last` from the end; answers where `last` ends, or -1. */
  #backward(bytes: Buffer, last: number, to: number, floor: number, end: number): number {
    for (let slot = to - 1; slot > last; slot--) {
      const literal = this.#literal(slot)
      const start = startOf(this.#shapes[slot] ?? Shape.wild, bytes, literal, end, floor)
      if (start < 0) return -1
      put(this.left, slot, start, end)
      put(this.right, slot, start, end)
      end = start - literal.length
    }
    return end
  }

  #leftmost(bytes: Buffer, first: number, last: number, at: number, stop: number): boolean {
    let wild = first
    let start = at
    while (wild < last) {
      const next = this.#nextWild(wild + 1, last)
      const literal = this.#literal(wild + 1)
      let found = -1
      let place = findLiteral(bytes, literal, start, stop)
      while (place >= 0) {
        found = this.#forward(bytes, wild + 1, next, -1, place + literal.length, stop, this.left)
        if (found >= 0) break
        place = findLiteral(bytes, literal, place + 1, stop)
      }
      if (found < 0) return false
      put(this.left, wild, start, place)
      wild = next
      start = found
    }
    put(this.left, last, start, stop)
    return start <= stop
  }

  /** The rightmost placements; answers whether they are the leftmost ones. */
  #rightmost(bytes: Buffer, first: number, last: number, at: number, stop: number): boolean {
    let same = true
    let wild = last
    let end = stop
    while (wild > first) {
      const before = this.#lastWild(first, wild)
      const literal = this.#literal(before + 1)
      // The leftmost reading is one reading, so the search ends there at the latest.
      const leftmost = this.left[before * 2 + 1] ?? at
      let place = end - literal.length
      let found = -1
      for (; place >= leftmost; place--) {
        if (!literalAt(bytes, literal, place, end)) continue
        found = this.#forward(bytes, before + 1, wild, -1, place + literal.length, end, this.right)
        if (found >= 0) break
      }
      if (found < 0) return false
      put(this.right, wild, found, end)
      if (place !== leftmost) same = false
      end = place
      wild = before
    }
    put(this.right, first, at, end)
    return same
  }

  #literal(index: number): Buffer {
    return this.#literals[index] ?? NOTHING
  }
}

const NOTHING = Buffer.alloc(0)

function put(borders: Int32Array, slot: number, start: number, end: number): void {
  borders[slot * 2] = start
  borders[slot * 2 + 1] = end
}
