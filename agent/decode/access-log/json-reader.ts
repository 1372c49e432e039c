import type { AccessFact } from "#mesh/access.ts"
import type { JsonTemplate } from "./json-template.ts"
import { endOfString, endOfValue } from "./json-value.ts"
import { Kind } from "./target.ts"
import { storeValue } from "./value.ts"

const QUOTE = 34
const DASH = 45
const BACKSLASH = 92
const LOWER_N = 110
const QUOTES = 0x22222222
const SLASHES = 0x5c5c5c5c
const ONES = 0x01010101
const HIGHS = 0x80808080

/** What reading a line by a template came to. */
export const Match = { no: 0, plain: 1, escaped: 2 } as const

/** Reads lines by a template. Four bytes a step, both for the texts between the values and within strings. */
export class JsonReader {
  /** Whether the last line's `ACCESS_LOG_TYPE` says that its request goes on. */
  intermediate = false
  #bytes: Buffer | undefined
  #view: DataView = new DataView(new ArrayBuffer(0))

  /** Fills `fact`; after `Match.no` it is half filled. `escaped`: some string still holds escapes. */
  read(template: JsonTemplate, fact: AccessFact, bytes: Buffer, start: number, end: number): number {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    const view = this.#view
    const { count, length, word, words, kind, span } = template
    const spans = fact.spans
    this.intermediate = false
    let match: number = Match.plain
    let at = start
    for (let index = 0; index < count; index++) {
      const size = length[index] ?? 0
      if (at + size >= end || size < 4) return Match.no
      const last = at + size - 4
      let next = word[index] ?? 0
      for (; at < last; at += 4) if (view.getInt32(at, true) !== words[next++]) return Match.no
      if (view.getInt32(last, true) !== words[next]) return Match.no
      at = last + 4
      const first = bytes[at] ?? 0
      if (first === QUOTE) {
        const from = at + 1
        at = from
        // Eight bytes a step would gain nothing: most values are short.
        for (const stop = end - 4; ; at += 4) {
          if (at > stop) {
            at = slowString(bytes, at, end)
            break
          }
          const four = view.getInt32(at, true)
          const quotes = four ^ QUOTES
          const slashes = four ^ SLASHES
          const hits = (((quotes - ONES) & ~quotes) | ((slashes - ONES) & ~slashes)) & HIGHS
          if (hits === 0) continue
          // The lowest bit set is exact: it belongs to the first quote or backslash.
          at += (31 - Math.clz32(hits & -hits)) >> 3
          break
        }
        if (at < 0) return Match.no
        if (bytes[at] === BACKSLASH) {
          at = endOfString(bytes, at, end)
          if (at < 0) return Match.no
          match = Match.escaped
        }
        const place = span[index] ?? -1
        if (kind[index] === Kind.text) {
          const none = at === from || (at === from + 1 && bytes[from] === DASH)
          spans[place * 2] = none ? -1 : from
          spans[place * 2 + 1] = none ? -1 : at
        } else if (kind[index] !== Kind.skip && storeValue(fact, kind[index] ?? 0, place, bytes, from, at)) {
          this.intermediate = true
        }
        at += 1
      } else {
        const from = at
        const none = first === LOWER_N
        at = none ? at + 4 : endOfBare(bytes, at, end)
        if (at < 0) return Match.no
        if (kind[index] === Kind.skip) continue
        if (storeValue(fact, kind[index] ?? 0, span[index] ?? -1, bytes, none ? -1 : from, at))
          this.intermediate = true
      }
    }
    return endsWith(template, bytes, at, end) ? match : Match.no
  }
}

/** Digits, or anything else that is neither string nor null. */
function endOfBare(bytes: Buffer, at: number, end: number): number {
  let stop = at
  while (stop < end && ((bytes[stop] ?? 0) - 48) >>> 0 < 10) stop++
  const next = bytes[stop]
  return stop > at && (next === 44 || next === 125) ? stop : endOfValue(bytes, at, end)
}

/** The last three bytes of a line, one by one. */
function slowString(bytes: Buffer, at: number, end: number): number {
  for (; at < end; at++) if (bytes[at] === QUOTE || bytes[at] === BACKSLASH) return at
  return -1
}

function endsWith(template: JsonTemplate, bytes: Buffer, at: number, end: number): boolean {
  const size = template.length[template.count] ?? 0
  const from = template.byte[template.count] ?? 0
  if (at + size !== end) return false
  for (let index = 0; index < size; index++)
    if (bytes[at + index] !== template.bytes[from + index]) return false
  return true
}
