import type { Carry } from "./carry.ts"

/**
 * Answers of one cluster whose headers were good. They count when their headers come, and may still be cut or left: so
 * they are told when their requests have ended, less those that did not end well.
 */
export class GoodAnswers {
  readonly #carry: Carry
  /** Cells: answers that are not told yet, and those that were told (as good or not) and should not have been. */
  readonly #held: number
  readonly #debt: number

  /** @param debt shared by clusters whose answers are told alike: what one of them owes, any may pay */
  constructor(carry: Carry, held: string, debt: string) {
    this.#carry = carry
    this.#held = carry.cell(held)
    this.#debt = carry.cell(debt)
  }

  /** Not told yet, and owed to nobody. */
  get open(): number {
    return Math.max(0, this.#carry.get(this.#held) - this.#carry.get(this.#debt))
  }

  hold(answers: number): void {
    this.#carry.add(this.#held, answers)
  }

  /** So many did not end well: of those that are held, else of the next ones. */
  take(answers: number): void {
    const held = Math.min(answers, this.open)
    this.#carry.add(this.#held, -held)
    this.#carry.add(this.#debt, answers - held)
  }

  /** @param keep answers that may not have ended yet @returns how many can be told */
  release(keep: number): number {
    const paid = Math.min(this.#carry.get(this.#debt), this.#carry.get(this.#held))
    this.#carry.add(this.#debt, -paid)
    this.#carry.add(this.#held, -paid)
    const told = Math.max(0, this.#carry.get(this.#held) - keep)
    this.#carry.add(this.#held, -told)
    return told
  }
}
