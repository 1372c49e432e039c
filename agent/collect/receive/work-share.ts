/**
 * Holds what comes in from outside to a share of the time of the one thread, so that a flood cannot keep it from its other
 * work. What was spared is kept for a burst.
 */
export class WorkShare {
  readonly #share: number
  readonly #burstMs: number
  #creditMs: number
  #sinceMs: number

  /** @param share of the time, above 0 to 1 @param nowMs monotonic, as all times here */
  constructor(share: number, burstMs: number, nowMs: number) {
    this.#share = share
    this.#burstMs = burstMs
    this.#creditMs = burstMs
    this.#sinceMs = nowMs
  }

  /** Whether there is time for one more piece of work. */
  allows(nowMs: number): boolean {
    this.#creditMs = Math.min(this.#burstMs, this.#creditMs + (nowMs - this.#sinceMs) * this.#share)
    this.#sinceMs = nowMs
    return this.#creditMs > 0
  }

  /** Tells how long the work took. */
  spend(ms: number): void {
    this.#creditMs -= ms
  }
}
