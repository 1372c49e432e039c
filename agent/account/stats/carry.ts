import { hash64 } from "./series-hash.ts"

/**
 * Numbers that are carried from tick to tick beside the last values: what was seen and is not accounted yet. Each has a
 * name, under which it is kept over a restart.
 */
export class Carry {
  values = new Float64Array(64)
  count = 0
  readonly hashes: (readonly [number, number])[] = []
  readonly #byName = new Map<string, number>()

  /** The cell of this name, made at the first call, with 0 in it. */
  cell(name: string): number {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const made = this.count++
    this.#byName.set(name, made)
    this.hashes.push(hash64(`~${name}`))
    if (made >= this.values.length) {
      const bigger = new Float64Array(this.values.length * 2)
      bigger.set(this.values)
      this.values = bigger
    }
    return made
  }

  get(cell: number): number {
    return this.values[cell] ?? 0
  }
  set(cell: number, value: number): void {
    this.values[cell] = value
  }
  add(cell: number, amount: number): void {
    this.values[cell] = (this.values[cell] ?? 0) + amount
  }
}

/**
 * What may have passed between the reading of two counters of one page, of `passed` requests since the last look: a
 * hundredth, as a page is printed in far less than that share of the time between two; 2 at least. None passed: none.
 */
function skewOf(passed: number): number {
  return passed <= 0 ? 0 : Math.max(2, Math.ceil(passed / 100))
}

/**
 * A quantity that is known from counters read at slightly different moments: too high by what was under way, never too
 * low for good. Only what two looks in a row agree on is given out, less what may be under way at both; the rest waits,
 * and what was given out too early is paid back before more is.
 */
export class Settling {
  readonly #carry: Carry
  readonly #waiting: number
  readonly #last: number

  constructor(carry: Carry, name: string) {
    this.#carry = carry
    this.#waiting = carry.cell(`${name}.waiting`)
    this.#last = carry.cell(`${name}.last`)
  }

  get waiting(): number {
    return this.#carry.get(this.#waiting)
  }
  add(amount: number): void {
    this.#carry.add(this.#waiting, amount)
  }

  /**
   * What is certain now.
   * @param passed requests since the last look that may be counted by halves
   * @param underWay requests that make the quantity too high for as long as they last
   */
  settle(passed: number, underWay = 0): number {
    const agreed = Math.min(this.waiting, this.#carry.get(this.#last))
    return this.#give(Math.max(0, agreed - skewOf(passed) - underWay))
  }

  /** All there is: no further look will come. */
  flush(): number {
    return this.#give(Math.max(0, this.waiting))
  }

  #give(amount: number): number {
    this.#carry.add(this.#waiting, -amount)
    this.#carry.set(this.#last, this.waiting)
    return amount
  }
}
