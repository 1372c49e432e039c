import type { Readable } from "node:stream"
import { promisify } from "node:util"
import { gunzip, inflate } from "node:zlib"
import { MeshscopeError } from "#mesh/errors.ts"

export interface BodyLimits {
  /** Of one body, as sent. */
  readonly maxBodyBytes: number
  /** Of one body, after decompression. */
  readonly maxInflatedBytes: number
}

const INFLATE = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const
export type Compression = "identity" | keyof typeof INFLATE

export function compressionOf(header: string | undefined): Compression | undefined {
  const name = (header ?? "identity").trim().toLowerCase()
  return name === "gzip" || name === "deflate" || name === "identity" ? name : undefined
}

/** Bodies under way may take together what so many of the largest ones take. */
const LARGE_BODIES = 8

/** What was sent, and how it has to be unpacked. */
export interface Packed {
  readonly bytes: Buffer
  readonly compression: Compression
}

/**
 * Memory of all bodies under way: what was read, and one that is inflated. More is refused, so that many senders together
 * cannot take what one may not.
 */
export class BodyReader {
  readonly #limits: BodyLimits
  readonly #maxHeldBytes: number
  #heldBytes = 0
  #inflating: Promise<unknown> = Promise.resolve()

  constructor(limits: BodyLimits) {
    this.#limits = limits
    this.#maxHeldBytes = limits.maxBodyBytes * LARGE_BODIES
  }

  /**
   * The whole body, inflated, handed to `use`, whose bytes are let go when it returns. Stops reading at the limit,
   * whatever length was claimed; the stream stays open then, so that it can be answered.
   * @param claimedBytes the length that the sender tells; NaN: none
   * @param unpack finds in what was sent what has to be inflated
   * @throws MeshscopeError INTAKE_TOO_LARGE, INTAKE_MALFORMED; retryable where the memory is full
   */
  async read<T>(
    stream: Readable,
    claimedBytes: number,
    unpack: (whole: Buffer) => Packed,
    use: (body: Buffer) => T,
  ): Promise<T> {
    const chunks: Buffer[] = []
    let bytes = 0
    try {
      if (claimedBytes > this.#limits.maxBodyBytes) throw this.#tooLarge()
      for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
        if (!Buffer.isBuffer(chunk)) continue
        bytes += chunk.length
        this.#heldBytes += chunk.length
        if (bytes > this.#limits.maxBodyBytes) throw this.#tooLarge()
        if (this.#heldBytes > this.#maxHeldBytes) throw full()
        chunks.push(chunk)
      }
      const packed = unpack(Buffer.concat(chunks, bytes))
      const { compression } = packed
      if (compression === "identity") return use(packed.bytes)
      return await this.#oneByOne(async () => use(await this.#inflated(packed.bytes, compression)))
    } finally {
      this.#heldBytes -= bytes
    }
  }

  #oneByOne<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#inflating.then(work)
    this.#inflating = done.catch(() => {})
    return done
  }

  async #inflated(body: Buffer, compression: keyof typeof INFLATE): Promise<Buffer> {
    const { maxInflatedBytes } = this.#limits
    try {
      return await INFLATE[compression](body, { maxOutputLength: maxInflatedBytes })
    } catch (cause) {
      if (cause instanceof RangeError)
        throw new MeshscopeError(
          "INTAKE_TOO_LARGE",
          `The body is larger than ${maxInflatedBytes} bytes after decompression.`,
        )
      throw new MeshscopeError("INTAKE_MALFORMED", `The body is not valid ${compression}.`, { cause })
    }
  }

  #tooLarge(): MeshscopeError {
    const message = `The body is larger than ${this.#limits.maxBodyBytes} bytes as sent.`
    return new MeshscopeError("INTAKE_TOO_LARGE", message)
  }
}

function full(): MeshscopeError {
  const message = "Too many bodies are being read at one time."
  return new MeshscopeError("INTAKE_TOO_LARGE", message, { retryable: true })
}
