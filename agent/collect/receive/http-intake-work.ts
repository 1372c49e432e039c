import type { BodyForm, Taken } from "./http-intake-answer.ts"
import { WorkShare } from "./work-share.ts"

export interface HttpIntakeDeps {
  /** Told of an error that nobody expected; the sender only hears that there was one. */
  readonly failed?: (error: unknown) => void
  /** Monotonic, ms. Default: the process's own. */
  readonly monotonic?: () => number
}

/** Bodies take no more of the agent's one thread, so that a flood of them does not keep it from counting requests. */
const SHARE = 0.5
/** About what two of the largest bodies take. */
const BURST_MS = 1000

/** Hands bodies over, as long as there is time for them. */
export class BodyWork {
  readonly #monotonic: () => number
  readonly #share: WorkShare
  #bytes = 0

  constructor({ monotonic = () => performance.now() }: HttpIntakeDeps) {
    this.#monotonic = monotonic
    this.#share = new WorkShare(SHARE, BURST_MS, monotonic())
  }

  /** Bytes that were handed over. */
  get bytes(): number {
    return this.#bytes
  }

  take(body: Buffer, form: BodyForm, take: (body: Buffer, form: BodyForm) => Taken): Taken {
    const began = this.#monotonic()
    if (!this.#share.allows(began)) return { kind: "busy", afterS: 1 }
    this.#bytes += body.length
    try {
      return take(body, form)
    } finally {
      this.#share.spend(this.#monotonic() - began)
    }
  }
}
