import { hashWords, sameWords, viewOf } from "./words.ts"

interface Slot<T> {
  readonly view: DataView
  readonly size: number
  readonly value: T
}

/**
 * Texts of the configuration, looked up by bytes of a log line without making a string. Fixed once made: what a caller
 * sends is only ever asked for, never kept.
 */
export class ByteTable<T> {
  readonly #mask: number
  readonly #slots: (Slot<T> | undefined)[]

  constructor(entries: Iterable<readonly [string, T]>) {
    const list = [...new Map(entries)]
    let size = 8
    while (size < list.length * 2) size *= 2
    this.#mask = size - 1
    this.#slots = Array.from({ length: size }, () => undefined)
    for (const [text, value] of list) this.#put(Buffer.from(text, "utf8"), value)
  }

  #put(key: Buffer, value: T): void {
    const view = viewOf(key)
    let slot = hashWords(view, 0, key.length, 0) & this.#mask
    while (this.#slots[slot] !== undefined) slot = (slot + 1) & this.#mask
    this.#slots[slot] = { view, size: key.length, value }
  }

  /** The value of the text that stands at `[start, end)` of `view`. */
  get(view: DataView, start: number, end: number): T | undefined {
    let slot = hashWords(view, start, end, 0) & this.#mask
    for (;;) {
      const found = this.#slots[slot]
      if (found === undefined) return undefined
      if (found.size === end - start && sameWords(found.view, 0, view, start, found.size)) return found.value
      slot = (slot + 1) & this.#mask
    }
  }
}
