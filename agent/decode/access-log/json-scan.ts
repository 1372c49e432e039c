import type { JsonKeys } from "./json-format.ts"
import { endOfString, endOfValue, skipBlanks } from "./json-value.ts"

const QUOTE = 34
const COMMA = 44
const COLON = 58
const OPEN = 123
const CLOSE = 125

/** One value of a line, in the order of the line. Reused from line to line. */
export interface Entry {
  /** Index of the format's operator. */
  leaf: number
  /** First byte, the quote of a string included. */
  start: number
  /** Behind the last byte, the quote of a string included. */
  end: number
}

/** How a line relates to the keys of a format. */
export const Scan = { ours: 0, foreign: 1, torn: 2 } as const

/**
 * Reads any line of a JSON format, whatever the order of its keys and whichever of them are missing: the way for the
 * first line and for all that differ from it. Lenient about bytes inside strings, strict about structure.
 */
export class JsonScan {
  readonly entries: Entry[] = []
  /** How many of `entries` the last line filled. */
  count = 0
  /** Behind the last value's end, where the closing braces begin. */
  tail = 0
  #bytes: Buffer = Buffer.alloc(0)
  #end = 0
  readonly #keys: JsonKeys
  constructor(keys: JsonKeys) {
    this.#keys = keys
  }

  /** @returns one of `Scan`: `torn` when the line begins with a key of the format but is no whole object */
  scan(bytes: Buffer, start: number, end: number): number {
    this.#bytes = bytes
    this.#end = end
    this.count = 0
    this.tail = start
    const stop = this.#object(start, this.#keys)
    if (stop === FOREIGN) return Scan.foreign
    if (stop < 0) return this.count > 0 ? Scan.torn : Scan.foreign
    if (this.count === 0) return Scan.foreign
    return skipBlanks(bytes, stop, end) === end ? Scan.ours : Scan.torn
  }

  /** Answers behind the closing brace, BROKEN or FOREIGN. */
  #object(at: number, keys: JsonKeys): number {
    const bytes = this.#bytes
    const end = this.#end
    if (bytes[at] !== OPEN) return at >= end ? BROKEN : FOREIGN
    at = skipBlanks(bytes, at + 1, end)
    if (at < end && bytes[at] === CLOSE) return at + 1
    for (;;) {
      at = this.#member(at, keys)
      if (at < 0) return at
      at = skipBlanks(bytes, at, end)
      if (at >= end) return BROKEN
      if (bytes[at] === CLOSE) return at + 1
      if (bytes[at] !== COMMA) return BROKEN
      at = skipBlanks(bytes, at + 1, end)
    }
  }

  #member(at: number, keys: JsonKeys): number {
    const bytes = this.#bytes
    const end = this.#end
    if (at >= end || bytes[at] !== QUOTE) return BROKEN
    const close = endOfString(bytes, at + 1, end)
    if (close < 0) return BROKEN
    const known = keys.get(bytes.toString("latin1", at + 1, close))
    if (known === undefined) return FOREIGN
    at = skipBlanks(bytes, close + 1, end)
    if (at >= end || bytes[at] !== COLON) return BROKEN
    at = skipBlanks(bytes, at + 1, end)
    if (typeof known !== "number") {
      // An object whose members are all empty may be printed as null.
      if (at < end && bytes[at] === OPEN) return this.#object(at, known)
      return endOfValue(bytes, at, end)
    }
    const stop = endOfValue(bytes, at, end)
    if (stop < 0) return BROKEN
    if (this.count === MOST) return FOREIGN
    this.#add(known, at, stop)
    return stop
  }

  #add(leaf: number, start: number, end: number): void {
    const entry = this.entries[this.count]
    this.tail = end
    this.count += 1
    if (entry === undefined) {
      this.entries.push({ leaf, start, end })
      return
    }
    entry.leaf = leaf
    entry.start = start
    entry.end = end
  }
}

/** Values in one line; a proxy's line has some dozens. */
const MOST = 1024
const BROKEN = -1
const FOREIGN = -2
