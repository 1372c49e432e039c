import { setTimeout as sleep } from "node:timers/promises"
import type { Client } from "./client.ts"
import type { Planned } from "./plan.ts"
import type { Call } from "./records.ts"

export interface LoadOptions {
  readonly client: Client
  readonly plan: Iterator<Planned>
  /** Most requests under way at once. */
  readonly concurrency: number
  /** Requests a second; absent: as fast as concurrency allows. */
  readonly rate?: number
  done(call: Call): void
}

/** Sends a plan with bounded concurrency, and can be held still so that nothing is under way. */
export class Load {
  readonly #options: LoadOptions
  readonly #under = new Set<Promise<void>>()
  #holds = 0
  /** Ends when the work that was asked for last has ended, well or not. */
  #turn: Promise<unknown> = Promise.resolve()
  #resumed = Promise.withResolvers<void>()
  #nextAt = 0

  constructor(options: LoadOptions) {
    this.#options = options
  }

  /** Resolves when `count` requests have been sent and answered, or the signal aborts. */
  async run(count: number, signal?: AbortSignal): Promise<void> {
    this.#nextAt = performance.now()
    for (let sent = 0; sent < count; sent++) {
      await this.#pace(signal)
      while (this.#holds > 0 || this.#under.size >= this.#options.concurrency) {
        await (this.#holds > 0 ? this.#resumed.promise : Promise.race(this.#under))
      }
      if (signal?.aborted === true) break
      // At once after the check: nothing may come between, or a request would be sent into a held load.
      this.#send()
    }
    await this.#drained()
  }

  /** Runs `work` while no request is under way, nor other such work; afterwards the load goes on. */
  async still<T>(work: () => Promise<T>): Promise<T> {
    this.#holds++
    const turn = this.#turn.then(async () => {
      await this.#drained()
      return await work()
    })
    this.#turn = turn.catch(() => undefined)
    try {
      return await turn
    } finally {
      this.#holds--
      if (this.#holds === 0) {
        this.#resumed.resolve()
        this.#resumed = Promise.withResolvers<void>()
      }
    }
  }

  /** Waits for the next request's time. After a hold at most a second is caught up. */
  async #pace(signal: AbortSignal | undefined): Promise<void> {
    const { rate } = this.#options
    if (rate === undefined) return
    this.#nextAt = Math.max(this.#nextAt + 1000 / rate, performance.now() - 1000)
    const waitMs = this.#nextAt - performance.now()
    if (waitMs > 0) await sleep(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => {})
  }

  #send(): void {
    const planned: Planned | undefined = this.#options.plan.next().value
    if (planned === undefined) return
    const sending = this.#options.client.send(planned).then((call) => {
      this.#options.done(call)
      this.#under.delete(sending)
    })
    this.#under.add(sending)
  }

  async #drained(): Promise<void> {
    while (this.#under.size > 0) await Promise.race(this.#under)
  }
}
