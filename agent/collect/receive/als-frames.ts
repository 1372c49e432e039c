import { MeshscopeError } from "#mesh/errors.ts"
import type { ByteBudget } from "./byte-budget.ts"

/** A byte that tells of compression, four of length (github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
const HEAD_BYTES = 5

export interface FrameConsumer {
  /** One whole message. It may be a view of what was pushed, to be read during the call. */
  message(bytes: Buffer): void
  /** A message for which there was no room was passed over. */
  passedOver(): void
}

/** The messages of one gRPC stream. A message that came in one piece is not copied; parts of one are held until its end. */
export class GrpcFrames {
  readonly #maxBytes: number
  readonly #budget: ByteBudget
  readonly #head = Buffer.alloc(HEAD_BYTES)
  #headBytes = 0
  /** The message that is coming in; undefined between two, and while one is passed over. */
  #parts: Buffer | undefined
  #filled = 0
  #left = 0

  constructor(maxBytes: number, budget: ByteBudget) {
    this.#maxBytes = maxBytes
    this.#budget = budget
  }

  /** @throws MeshscopeError INTAKE_TOO_LARGE, INTAKE_MALFORMED (compressed), and what the consumer throws; no more may be pushed */
  push(chunk: Buffer, consumer: FrameConsumer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#left > 0) {
        at = this.#body(chunk, at, consumer)
        continue
      }
      at = this.#readHead(chunk, at)
      if (this.#headBytes < HEAD_BYTES) return
      const length = this.#lengthOf()
      if (chunk.length - at >= length) {
        consumer.message(chunk.subarray(at, at + length))
        at += length
      } else this.#begin(length, consumer)
    }
  }

  /** The stream has ended: a message that came in half is gone. */
  end(): void {
    if (this.#parts !== undefined) this.#budget.give(this.#parts.length)
    this.#parts = undefined
    this.#left = 0
  }

  #readHead(chunk: Buffer, from: number): number {
    let at = from
    while (at < chunk.length && this.#headBytes < HEAD_BYTES) this.#head[this.#headBytes++] = chunk[at++] ?? 0
    return at
  }

  #lengthOf(): number {
    this.#headBytes = 0
    if (this.#head[0] !== 0)
      throw new MeshscopeError("INTAKE_MALFORMED", "A message is compressed, which is not read.")
    const length = this.#head.readUInt32BE(1)
    if (length > this.#maxBytes)
      throw new MeshscopeError(
        "INTAKE_TOO_LARGE",
        `A message has ${length} bytes, more than ${this.#maxBytes}.`,
      )
    return length
  }

  #begin(length: number, consumer: FrameConsumer): void {
    this.#left = length
    this.#filled = 0
    if (this.#budget.take(length)) this.#parts = Buffer.allocUnsafe(length)
    else consumer.passedOver()
  }

  #body(chunk: Buffer, at: number, consumer: FrameConsumer): number {
    const stop = Math.min(chunk.length, at + this.#left)
    this.#left -= stop - at
    const parts = this.#parts
    if (parts === undefined) return stop
    chunk.copy(parts, this.#filled, at, stop)
    this.#filled += stop - at
    if (this.#left > 0) return stop
    this.#parts = undefined
    this.#budget.give(parts.length)
    consumer.message(parts)
    return stop
  }
}
