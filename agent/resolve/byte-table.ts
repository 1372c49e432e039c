/**
 * Texts of the configuration, looked up by bytes of a log line without making a string. Fixed once made: what a caller
 * sends is only ever asked for, never kept.
 */
export class ByteTable<T> {
  readonly #mask: number
  readonly #slots: ({ readonly key: Buffer; readonly value: T } | undefined)[]

  constructor(entries: Iterable<readonly [string, T]>) {
    const list = [...new Map(entries)]
    let size = 8
    while (size < list.length * 2) size *= 2
    this.#mask = size - 1
    this.#slots = Array.from({ length: size }, () => undefined)
    for (const [text, value] of list) this.#put(Buffer.from(text, "utf8"), value)
  }

  #put(key: Buffer, value: T): void {
    let slot = hashOf(key, 0, key.length) & this.#mask
    while (this.#slots[slot] !== undefined) slot = (slot + 1) & this.#mask
    this.#slots[slot] = { key, value }
  }

  /** The value of the text that stands in `bytes[start, end)`. */
  get(bytes: Uint8Array, start: number, end: number): T | undefined {
    let slot = hashOf(bytes, start, end) & this.#mask
    for (;;) {
      const found = this.#slots[slot]
      if (found === undefined) return undefined
      if (sameBytes(found.key, bytes, start, end)) return found.value
      slot = (slot + 1) & this.#mask
    }
  }
}

/** FNV-1a over at most the last 96 bytes: names differ at their ends. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 ^ (end - start)
  for (let index = Math.max(start, end - 96); index < end; index += 1) {
    hash = Math.imul(hash ^ (bytes[index] ?? 0), 0x01000193)
  }
  return (hash ^ (hash >>> 15)) >>> 0
}

function sameBytes(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false
  for (let index = 0; index < key.length; index += 1) if (key[index] !== bytes[start + index]) return false
  return true
}
