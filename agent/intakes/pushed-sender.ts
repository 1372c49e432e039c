import type { Clock } from "#mesh/clock.ts"
import type { Ledger, Participant } from "../account/contract.ts"
import { type PushedFault, PushedSums, type SumsRoom } from "../decode/dogstatsd/pushed-sums.ts"

export interface PushedSenderDeps {
  readonly clock: Clock
  readonly ledger: Ledger
  readonly room: SumsRoom
}

/** Series that did not come for so long are none any more, ms. */
const FORGET_MS = 600_000
/** `f64 wall ms of the beginning, age told`, then the values of all sums. */
const HEAD = 2

/**
 * One Envoy by the address that it sends from. Its sums are kept with the ledger's commits, as the numbers are that were
 * made of them: after a kill both go on from the same moment.
 */
export class PushedSender implements Participant {
  readonly key: string
  /** Targets that have this address; they cannot be told apart where there are several. */
  targets = 0
  readonly #deps: PushedSenderDeps
  readonly #names: Participant
  #sums: PushedSums
  /** Wall clock, ms: since when it is added up. */
  #beganMs: number
  /** Seconds; never falls, whatever the wall clock does. */
  #age = 0
  #changed = true
  /** When anything last came. Monotonic, ms. */
  #cameMs = -Infinity
  #forgotMs: number

  constructor(address: string, deps: PushedSenderDeps) {
    const { clock, ledger, room } = deps
    this.key = `pushed/${address}`
    this.#deps = deps
    this.#beganMs = clock.now()
    this.#forgotMs = clock.monotonic()
    this.#sums = new PushedSums(room)
    this.#names = { key: `${this.key}/names`, save: () => this.#sums.names() }
    this.#restore()
    ledger.join(this.#names)
    ledger.join(this)
  }

  /** When a counter or a gauge last came; see `PushedSums`. */
  get flushedMs(): number {
    return this.#sums.flushedMs
  }
  get cameMs(): number {
    return this.#cameMs
  }

  take(bytes: Buffer, failed: (fault: PushedFault) => void): void {
    this.#cameMs = this.#deps.clock.monotonic()
    this.#changed = true
    this.#sums.take(bytes, this.#cameMs, failed)
  }

  /** @param silenceMs a gauge that did not come for so long is gone */
  page(silenceMs: number): Buffer {
    const { clock } = this.#deps
    const nowMs = clock.monotonic()
    this.#age = Math.max(this.#age, Math.floor((clock.now() - this.#beganMs) / 1000))
    this.#changed = true
    if (nowMs - this.#forgotMs > FORGET_MS) {
      this.#forgotMs = nowMs
      this.#sums.forget(nowMs - FORGET_MS)
    }
    return this.#sums.page(this.#age, nowMs - silenceMs)
  }

  save(): Uint8Array | undefined {
    if (!this.#changed) return undefined
    this.#changed = false
    const values = this.#sums.values()
    const kept = new Float64Array(HEAD + values.length)
    kept[0] = this.#beganMs
    kept[1] = this.#age
    kept.set(values, HEAD)
    return new Uint8Array(kept.buffer)
  }

  /** Nobody asks for it any more: what is kept goes with the next commit. */
  end(): void {
    this.#sums.close()
    this.#deps.ledger.leave(this.#names.key)
    this.#deps.ledger.leave(this.key)
  }

  #restore(): void {
    const { ledger, clock, room } = this.#deps
    const names = ledger.restored(this.#names.key)
    const bytes = ledger.restored(this.key)
    if (names === undefined || bytes === undefined || bytes.length % 8 !== 0) return
    const [beganMs = 0, age = 0, ...values] = new Float64Array(Uint8Array.from(bytes).buffer)
    if (this.#sums.restore(names, Float64Array.from(values), clock.monotonic())) {
      this.#beganMs = beganMs
      this.#age = age
      return
    }
    this.#sums.close()
    this.#sums = new PushedSums(room)
  }
}
