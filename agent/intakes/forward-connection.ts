import { MeshscopeError } from "#mesh/errors.ts"
import type { ByteBudget } from "../collect/receive/byte-budget.ts"
import type { ForwardConnection } from "../collect/receive/forward-intake.ts"
import { type ForwardVisitor, readForward } from "../decode/forward/forward-message.ts"
import { helo, pongTo } from "../decode/forward/handshake.ts"
import { ValueEnd } from "../decode/forward/msgpack.ts"
import type { Delivery } from "./sent-lines.ts"

export interface ForwardLimits {
  readonly maxMessageBytes: number
  readonly maxInflatedBytes: number
}

export interface ForwardConnectionDeps {
  readonly budget: ByteBudget
  readonly limits: ForwardLimits
  /** Asked of every sender before it is heard; undefined: nothing is asked. */
  readonly secret:
    | { readonly sharedKey: string; readonly nonce: Buffer; readonly hostName: string }
    | undefined
  /** Nothing more can be acknowledged now, so nothing more is read. */
  readonly isFull: () => boolean
  /** Takes the records of one message. */
  readonly visitor: (delivery: Delivery) => ForwardVisitor
  /** A message that asks to be acknowledged was read. */
  readonly acknowledge: (chunk: string, delivery: Delivery) => void
  readonly send: (bytes: Buffer) => void
  readonly count: () => void
}

const FIRST_BYTES = 16_384

/** The messages of one connection: whole ones are read where they lie, the rest waits for its end. */
export class ForwardMessages implements ForwardConnection {
  readonly #deps: ForwardConnectionDeps
  readonly #end: ValueEnd
  #buffer: Buffer = Buffer.alloc(0)
  #length = 0
  #welcome: boolean

  constructor(deps: ForwardConnectionDeps) {
    this.#deps = deps
    this.#end = new ValueEnd(deps.limits.maxMessageBytes)
    this.#welcome = deps.secret === undefined
    if (deps.secret !== undefined) deps.send(helo(deps.secret.nonce))
  }

  data(chunk: Buffer): void {
    if (this.#length === 0) {
      const rest = this.#messages(chunk, chunk.length)
      if (rest < chunk.length) this.#keep(chunk.subarray(rest))
      return
    }
    this.#keep(chunk)
    const rest = this.#messages(this.#buffer, this.#length)
    if (rest === 0) return
    this.#buffer.copyWithin(0, rest, this.#length)
    this.#length -= rest
    if (this.#length === 0) this.ended()
  }

  ended(): void {
    this.#deps.budget.give(this.#buffer.length)
    this.#buffer = Buffer.alloc(0)
    this.#length = 0
  }

  /** @returns where the first message begins that is not whole */
  #messages(bytes: Buffer, length: number): number {
    let at = 0
    while (at < length) {
      const stop = this.#end.find(bytes, at, length)
      if (stop < 0) break
      this.#message(bytes.subarray(at, stop))
      at = stop
    }
    return at
  }

  #message(message: Buffer): void {
    const { secret, limits, isFull, visitor, acknowledge, send, count } = this.#deps
    if (!this.#welcome && secret !== undefined) {
      const { ok, answer } = pongTo(message, secret)
      send(answer)
      if (!ok) throw new MeshscopeError("INTAKE_MALFORMED", "A sender does not know the shared key.")
      this.#welcome = true
      return
    }
    if (isFull()) throw busy("More waits to be acknowledged than may.")
    const delivery: Delivery = { waiting: 0 }
    const { chunk } = readForward(message, limits.maxInflatedBytes, visitor(delivery))
    if (chunk !== undefined) acknowledge(chunk, delivery)
    count()
  }

  #keep(more: Buffer): void {
    const needed = this.#length + more.length
    if (needed > this.#buffer.length) {
      const size = 2 ** Math.ceil(Math.log2(Math.max(needed, FIRST_BYTES)))
      if (!this.#deps.budget.take(size - this.#buffer.length))
        throw busy("More waits to be read than may be held.")
      const larger = Buffer.alloc(size)
      this.#buffer.copy(larger, 0, 0, this.#length)
      this.#buffer = larger
    }
    more.copy(this.#buffer, this.#length)
    this.#length = needed
  }
}

const busy = (why: string): MeshscopeError => new MeshscopeError("INTAKE_TOO_LARGE", why, { retryable: true })
