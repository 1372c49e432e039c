import { close, constants, fdatasync, fsync, open, openSync, writeSync } from "node:fs"
import { dirname } from "node:path"
import { HEADER_BYTES, writeHeader } from "./frame.ts"
import type { Segment } from "./segment.ts"

/** Bytes that wait to be written behind each other in one file. */
interface Chunk {
  readonly segment: Segment
  readonly offset: number
  readonly bytes: Buffer
  used: number
}

/** What is appended is collected up to this, so that there are few writes. */
const CHUNK_BYTES = 256 * 1024

/**
 * Writes segments. What is appended waits in memory until `flush`; after a failed one it waits on, and the next tries again.
 * Flushing to the disk itself is done in another thread, so that nothing waits for it.
 */
export class SegmentWriter {
  #chunks: Chunk[] = []
  #spare: Buffer | undefined
  #file: { readonly segment: Segment; readonly synced: SyncedFile } | undefined
  #buffered = 0
  #syncFailures = 0

  /** Bytes that wait to be written. */
  get buffered(): number {
    return this.#buffered
  }

  /** Flushes to the disk that failed: a power cut may cost what was written. */
  get syncFailures(): number {
    return this.#syncFailures
  }

  /** Calls `write` with room for so many bytes at the segment's end, which moves on. */
  append(segment: Segment, bytes: number, write: (into: Buffer, at: number) => void): void {
    const chunk = this.#room(segment, segment.records === 0 ? bytes + HEADER_BYTES : bytes)
    if (segment.records === 0 && chunk.used === 0) {
      writeHeader(chunk.bytes, 0, segment.salt)
      chunk.used = HEADER_BYTES
      this.#buffered += HEADER_BYTES
    }
    write(chunk.bytes, chunk.used)
    chunk.used += bytes
    segment.end += bytes
    this.#buffered += bytes
  }

  #room(segment: Segment, bytes: number): Chunk {
    const last = this.#chunks.at(-1)
    if (last?.segment === segment && last.used + bytes <= last.bytes.length) return last
    const spare = bytes <= CHUNK_BYTES ? this.#spare : undefined
    if (spare !== undefined) this.#spare = undefined
    const chunk: Chunk = {
      segment,
      offset: segment.records === 0 ? 0 : segment.end,
      bytes: spare ?? Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes)),
      used: 0,
    }
    this.#chunks.push(chunk)
    return chunk
  }

  /** Writes all that waits. Throws the system's error; what was not written waits on. */
  flush(): void {
    for (let [chunk] = this.#chunks; chunk !== undefined; [chunk] = this.#chunks) {
      const file = this.#open(chunk)
      for (let at = 0; at < chunk.used; )
        at += writeSync(file.fd, chunk.bytes, at, chunk.used - at, chunk.offset + at)
      file.dirty = true
      this.#chunks.shift()
      this.#buffered -= chunk.used
      if (chunk.bytes.length === CHUNK_BYTES) this.#spare = chunk.bytes
    }
  }

  /** The segment is not wanted any more. */
  forget(segment: Segment): void {
    this.#chunks = this.#chunks.filter((chunk) => chunk.segment !== segment)
    this.#buffered = this.#chunks.reduce((sum, chunk) => sum + chunk.used, 0)
    if (this.#file?.segment === segment) this.release()
  }

  /** Begins to flush what was written to the disk. */
  sync(): void {
    this.#file?.synced.sync()
  }

  /** Lets go of the open file. It is opened again when more is appended. */
  release(): void {
    this.#file?.synced.close()
    this.#file = undefined
  }

  #open(chunk: Chunk): SyncedFile {
    if (this.#file?.segment === chunk.segment) return this.#file.synced
    this.release()
    const begun = chunk.offset === 0
    const { O_RDWR, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants
    const flags = O_RDWR | O_CREAT | O_NOFOLLOW | (begun ? O_TRUNC : 0)
    const failed = (): void => {
      this.#syncFailures++
    }
    const synced = new SyncedFile(openSync(chunk.segment.path, flags, 0o600), failed)
    this.#file = { segment: chunk.segment, synced }
    if (begun) syncFolder(dirname(chunk.segment.path), failed)
    return synced
  }
}

/** A new file's name is on disk only when its folder is. */
function syncFolder(folder: string, failed: () => void): void {
  open(folder, "r", (error, fd) => {
    if (error === null)
      fsync(fd, (problem) => {
        if (problem !== null) failed()
        close(fd, () => undefined)
      })
    else failed()
  })
}

/** An open file that is flushed to the disk beside the line's work, once at a time, and once more before it is closed. */
class SyncedFile {
  readonly fd: number
  /** Whether something was written since the last flush began. */
  dirty = false
  readonly #failed: () => void
  #syncing = false
  #again = false
  #closing = false

  constructor(fd: number, failed: () => void) {
    this.fd = fd
    this.#failed = failed
  }

  sync(): void {
    this.#again = this.#syncing
    if (this.#syncing || !this.dirty) return
    this.#syncing = true
    this.dirty = false
    fdatasync(this.fd, (error) => {
      this.#syncing = false
      if (error !== null) this.#failed()
      if (this.#closing) this.close()
      else if (this.#again) this.sync()
    })
  }

  close(): void {
    this.#closing = true
    this.sync()
    if (!this.#syncing) close(this.fd, () => undefined)
  }
}
