/**
 * Bytes of log lines, read four at a time: hashing and comparing are most of what a repeated line costs, and this takes
 * less than half the time of going byte by byte (bench/resolve.ts).
 */
export class LineWords {
  #bytes: Uint8Array | undefined
  #view: DataView = new DataView(new ArrayBuffer(0))
  #olderBytes: Uint8Array | undefined
  #olderView = this.#view

  /**
   * A view over a line's buffer. Decoders hand out lines of one chunk, or of one scratch buffer, many times over: the
   * last two are kept, so that a view is made per chunk and not per line.
   */
  of(bytes: Uint8Array): DataView {
    if (bytes === this.#bytes) return this.#view
    const [view, older] = [this.#view, this.#bytes]
    this.#view =
      bytes === this.#olderBytes
        ? this.#olderView
        : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#bytes = bytes
    this.#olderView = view
    this.#olderBytes = older
    return this.#view
  }
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A hash of `[start, end)` that goes on from `seed`. Equality is always proven after: a collision costs time alone. */
export function hashWords(view: DataView, start: number, end: number, seed: number): number {
  let hash = Math.imul(seed ^ (end - start), 0x2c1b3c6d)
  let at = start
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  for (; at < end; at += 1) hash = Math.imul(hash ^ view.getUint8(at), 0x01000193)
  return hash ^ (hash >>> 13)
}

/** Whether `size` bytes are the same at `at` of `keys` and at `start` of `view`. */
export function sameWords(keys: DataView, at: number, view: DataView, start: number, size: number): boolean {
  let index = 0
  for (; index + 4 <= size; index += 4) {
    if (keys.getInt32(at + index, true) !== view.getInt32(start + index, true)) return false
  }
  for (; index < size; index += 1) {
    if (keys.getUint8(at + index) !== view.getUint8(start + index)) return false
  }
  return true
}

/** Where the query (`?`) or fragment (`#`) of a path begins. */
export function pathStop(view: DataView, start: number, end: number): number {
  let at = start
  for (; at + 4 <= end; at += 4) {
    const word = view.getInt32(at, true)
    if ((zeroByte(word ^ 0x3f3f3f3f) | zeroByte(word ^ 0x23232323)) !== 0) break
  }
  for (; at < end; at += 1) {
    const byte = view.getUint8(at)
    if (byte === 0x3f || byte === 0x23) return at
  }
  return end
}

/** Not zero when one of the four bytes is (Bit Twiddling Hacks, "determine if a word has a zero byte"). */
function zeroByte(word: number): number {
  return (word - 0x01010101) & ~word & 0x80808080
}
