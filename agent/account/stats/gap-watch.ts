import type { Carry } from "./carry.ts"

const WINDOW_MS = 60_000
/** Envoy flushes its log every 10 s, and the log is polled: what ended longer ago has its line. */
const LATE_MS = 12_000
const MAX_LOOKS = 128

/**
 * Requests that a listener saw end and nothing accounted for. Lines come up to 10 s late, so a look compares what had
 * ended by then with what is accounted now; the smallest such gap of the last 60 s counts, and it never falls.
 *
 * All errors are on the low side: under load the requests of the last seconds are accounted and not yet compared, and
 * lines of requests that ended before our first look fill a gap that they did not leave. What is lost steadily shows at
 * its true rate all the same.
 */
export class GapWatch {
  readonly #carry: Carry
  /** Cell: ended less accounted. */
  readonly #gap: number
  /** Cell: what was told of it. */
  readonly #told: number
  readonly #looks: { readonly atMs: number; readonly ended: number; readonly aged: number }[] = []
  #ended = 0

  constructor(carry: Carry, name: string) {
    this.#carry = carry
    this.#gap = carry.cell(`${name}.gap`)
    this.#told = carry.cell(`${name}.told`)
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
    this.#ended += ended
    const before = this.#looks.findLast(({ atMs }) => atMs <= monotonicMs - LATE_MS)
    const late = before === undefined ? Number.NaN : this.#ended - before.ended
    this.#looks.push({ atMs: monotonicMs, ended: this.#ended, aged: this.#carry.get(this.#gap) - late })
    this.#forget(monotonicMs)
    const first = this.#looks[0]
    if (first === undefined || monotonicMs - first.atMs < WINDOW_MS) return 0
    const least = this.#looks.reduce((low, { aged }) => (aged < low ? aged : low), Infinity)
    const grown = Math.max(0, least - this.#carry.get(this.#told))
    this.#carry.add(this.#told, grown)
    return grown
  }

  /** Keeps the looks of the window, and the one at its beginning. */
  #forget(monotonicMs: number): void {
    const { length } = this.#looks
    const inside = this.#looks.findIndex(({ atMs }) => atMs > monotonicMs - WINDOW_MS)
    this.#looks.splice(0, Math.max(inside - 1, length - MAX_LOOKS, 0))
  }
}
