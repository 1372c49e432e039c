import type { Carry } from "./carry.ts"

/**
 * Events of one counter that may explain another's, which comes a little later or earlier. Each is kept for some looks;
 * then it was of something else.
 */
export class Signs {
  readonly #carry: Carry
  /** Cells by age in looks. */
  readonly #ages: readonly number[]

  /** @param looks how many looks after its own a sign is kept */
  constructor(carry: Carry, name: string, looks: number) {
    this.#carry = carry
    this.#ages = Array.from({ length: looks + 1 }, (_, age) => carry.cell(`${name}.${age}`))
  }

  get open(): number {
    return this.#ages.reduce((all, cell) => all + this.#carry.get(cell), 0)
  }

  see(events: number): void {
    this.#carry.add(this.#ages[0] ?? 0, events)
  }

  /** So many are explained, the oldest first. */
  explain(events: number): void {
    let left = events
    for (const cell of this.#ages.toReversed()) {
      const taken = Math.min(left, this.#carry.get(cell))
      this.#carry.add(cell, -taken)
      left -= taken
    }
  }

  /** A look is over. */
  age(): void {
    for (let age = this.#ages.length - 1; age > 0; age--) {
      this.#carry.set(this.#ages[age] ?? 0, this.#carry.get(this.#ages[age - 1] ?? 0))
    }
    this.#carry.set(this.#ages[0] ?? 0, 0)
  }
}
