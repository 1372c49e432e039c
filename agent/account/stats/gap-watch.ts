import type { Carry } from "./carry.ts"

const WINDOW_MS = 60_000
const MAX_LOOKS = 128

/**
 * Requests that a listener saw end and nothing accounted for. A log's lines come up to 10 s late and a page is read
 * while requests pass, so a gap counts only when it lasted: the smallest one of the last 60 s. It never falls.
 */
export class GapWatch {
  readonly #carry: Carry
  readonly #gap: number
  readonly #told: number
  /** The smallest gap that was ever seen over a whole window: lines from before our first look make it negative. */
  readonly #floor: number
  readonly #looks: { readonly atMs: number; readonly gap: number }[] = []
  #sinceMs: number | undefined

  constructor(carry: Carry, name: string) {
    this.#carry = carry
    this.#gap = carry.cell(`${name}.gap`)
    this.#told = carry.cell(`${name}.told`)
    this.#floor = carry.cell(`${name}.floor`)
  }

  /** Requests that were accounted apart from a look. */
  accounted(requests: number): void {
    this.#carry.add(this.#gap, -requests)
  }

  /**
   * @param ended requests that ended since the last look
   * @param accounted requests that were accounted since then
   * @returns by how much the lasting gap grew
   */
  look(ended: number, accounted: number, monotonicMs: number): number {
    this.#carry.add(this.#gap, ended - accounted)
    const gap = this.#carry.get(this.#gap)
    this.#sinceMs ??= monotonicMs
    this.#looks.push({ atMs: monotonicMs, gap })
    while (
      this.#looks.length > MAX_LOOKS ||
      (this.#looks[1] !== undefined && this.#looks[1].atMs <= monotonicMs - WINDOW_MS)
    ) {
      this.#looks.shift()
    }
    if (monotonicMs - this.#sinceMs < WINDOW_MS) return 0
    const least = this.#looks.reduce((low, look) => Math.min(low, look.gap), Infinity)
    if (least < this.#carry.get(this.#floor)) this.#carry.set(this.#floor, least)
    const lasting = least - this.#carry.get(this.#floor)
    const grown = Math.max(0, lasting - this.#carry.get(this.#told))
    this.#carry.add(this.#told, grown)
    return grown
  }
}
