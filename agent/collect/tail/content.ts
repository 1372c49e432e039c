import { closeSync, fstatSync, readSync } from "node:fs"
import { constants, gunzipSync } from "node:zlib"

/** What a log file holds. */
export interface Content {
  /** As `readSync`: bytes that were read. Throws errors of the file system, and of a file that is no gzip. */
  read(into: Buffer, at: number, length: number, position: number): number
  look(): { readonly size: bigint; readonly mtimeNs: bigint }
  /** Nothing of it is wanted for a while. */
  rest(): void
  close(): void
}

/** A file as it is. */
export class PlainContent implements Content {
  readonly #fd: number

  constructor(fd: number) {
    this.#fd = fd
  }

  read(into: Buffer, at: number, length: number, position: number): number {
    return readSync(this.#fd, into, at, length, position)
  }

  look(): { readonly size: bigint; readonly mtimeNs: bigint } {
    return fstatSync(this.#fd, { bigint: true })
  }

  rest(): void {}

  close(): void {
    closeSync(this.#fd)
  }
}

/** The kubelet rotates at 10 MiB; what is much larger is not unpacked, and counts as lost. */
const MOST_BYTES = 64 * 1024 ** 2

/** A rotated file that was compressed. Unpacked only while it is read, since many may wait at once. */
export class PackedContent implements Content {
  readonly #fd: number
  #bytes: Buffer | undefined

  constructor(fd: number) {
    this.#fd = fd
  }

  read(into: Buffer, at: number, length: number, position: number): number {
    this.#bytes ??= this.#unpacked()
    return this.#bytes.copy(into, at, position, Math.min(position + length, this.#bytes.length))
  }

  #unpacked(): Buffer {
    const size = fstatSync(this.#fd).size
    if (size > MOST_BYTES) throw new Error(`a compressed log of ${size} bytes is too large`)
    const packed = Buffer.alloc(size)
    let filled = 0
    while (filled < size) {
      const got = readSync(this.#fd, packed, filled, size - filled, filled)
      if (got === 0) break
      filled += got
    }
    return gunzipSync(packed.subarray(0, filled), { maxOutputLength: MOST_BYTES })
  }

  /** The size of what is packed says nothing of where in it one is. */
  look(): { readonly size: bigint; readonly mtimeNs: bigint } {
    return { size: BigInt(MOST_BYTES), mtimeNs: 0n }
  }

  rest(): void {
    this.#bytes = undefined
  }

  close(): void {
    this.rest()
    closeSync(this.#fd)
  }
}

/** So many bytes of a compressed file hold more of a log than is ever compared. */
const HEAD_PACKED = 4096

/** What a compressed file begins with; of a file that is still being written as much as is there. Throws as reading does. */
export function packedHead(fd: number): Buffer {
  const packed = Buffer.alloc(HEAD_PACKED)
  const got = readSync(fd, packed, 0, HEAD_PACKED, 0)
  return gunzipSync(packed.subarray(0, got), {
    finishFlush: constants.Z_SYNC_FLUSH,
    maxOutputLength: MOST_BYTES,
  })
}
