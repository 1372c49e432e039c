import { type Carry, Settling } from "./carry.ts"

/** From which HTTP classes (2xx, 3xx, 4xx, 5xx by index) a gRPC status was most likely counted, in order. */
const SOURCES = [
  [0, 1, 2, 3],
  [2, 0, 3, 1],
  [3, 0, 2, 1],
] as const

/**
 * A cluster counts an answer's HTTP class when its headers come, and Envoy's gRPC filter counts its status when it
 * ends. Answers are held in between, so that each is counted once and by its status. One that gets no status (no such
 * filter, plain HTTP, a stream that was cut) is let go by its class, once more are held than are under way.
 */
export class GrpcAnswers {
  readonly #carry: Carry
  readonly #held: readonly number[]
  /** Statuses whose class did not show yet. */
  readonly #ahead: readonly number[]
  readonly #excess: Settling

  constructor(carry: Carry, name: string) {
    this.#carry = carry
    this.#held = [2, 3, 4, 5].map((first) => carry.cell(`${name}.held${first}`))
    this.#ahead = ["ok", "client", "error"].map((status) => carry.cell(`${name}.ahead.${status}`))
    this.#excess = new Settling(carry, `${name}.excess`)
  }

  get holding(): boolean {
    return this.#held.some((cell) => this.#carry.get(cell) > 0)
  }

  /** @param index 0 to 3 for 2xx to 5xx */
  hold(index: number, answers: number): void {
    const cell = this.#held[index]
    if (cell !== undefined) this.#carry.add(cell, answers)
  }

  /** Statuses ok, client error, error of this tick. @returns how many of each met an answer that was held */
  match(statuses: readonly number[]): readonly [number, number, number] {
    const met: [number, number, number] = [0, 0, 0]
    // Errors first: they choose among the classes, the others take what is left.
    for (const index of [2, 1, 0] as const) {
      const ahead = this.#ahead[index] ?? 0
      let open = this.#carry.get(ahead) + (statuses[index] ?? 0)
      for (const source of SOURCES[index]) {
        const taken = Math.min(open, this.#carry.get(this.#held[source] ?? 0))
        if (taken <= 0) continue
        this.#carry.add(this.#held[source] ?? 0, -taken)
        met[index] += taken
        open -= taken
      }
      this.#carry.set(ahead, open)
    }
    return met
  }

  /** Answers 2xx to 5xx that will get no status any more, as far as two looks agree. */
  settle(active: number): readonly [number, number, number, number] {
    const held = this.#held.reduce((all, cell) => all + this.#carry.get(cell), 0)
    this.#excess.add(held - active - this.#excess.waiting)
    const certain = this.#excess.settle(0)
    return certain > 0 ? this.release(held - certain) : [0, 0, 0, 0]
  }

  /** Lets go of all but `keep`, failures first. */
  release(keep: number): readonly [number, number, number, number] {
    const released: [number, number, number, number] = [0, 0, 0, 0]
    let open = this.#held.reduce((all, cell) => all + this.#carry.get(cell), 0) - keep
    for (const index of [3, 2, 1, 0] as const) {
      const taken = Math.min(open, this.#carry.get(this.#held[index] ?? 0))
      if (taken <= 0) continue
      this.#carry.add(this.#held[index] ?? 0, -taken)
      released[index] = taken
      open -= taken
    }
    return released
  }
}
