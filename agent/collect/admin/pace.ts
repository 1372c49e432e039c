import type { Clock } from "#mesh/clock.ts"

/** Between two requests, ms: of the ten a second that ECS's agent allows to all who ask, four at most are ours. */
const SPACE_MS = 250
const FIRST_PAUSE_MS = 5000
const LONGEST_PAUSE_MS = 5 * 60_000

/** How often one address may be asked that others ask too, and that refuses those who ask too often. */
export class Pace {
  readonly #clock: Clock
  /** Monotonic, ms. */
  #next = 0
  #pauseMs = FIRST_PAUSE_MS

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Waits for its turn. @returns false where nobody may be asked now, as too much was asked not long ago */
  async turn(): Promise<boolean> {
    const now = this.#clock.monotonic()
    const wait = this.#next - now
    if (wait > SPACE_MS) return false
    this.#next = Math.max(now, this.#next) + SPACE_MS
    if (wait > 0) await this.#clock.sleep(wait)
    return true
  }

  /** It answered. */
  eased(): void {
    this.#pauseMs = FIRST_PAUSE_MS
  }

  /** It refused because of too many requests: each time the pause doubles. */
  refused(): void {
    this.#next = this.#clock.monotonic() + this.#pauseMs
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2)
  }
}
