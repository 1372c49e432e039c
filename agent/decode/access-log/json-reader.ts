import type { AccessFact } from "#mesh/access.ts"
import { type JsonTemplate, STEP } from "./json-template.ts"
import { endOfString, endOfValue } from "./json-value.ts"
import { Kind } from "./target.ts"
import { isAmount, storeAmount, storeValue } from "./value.ts"

const QUOTE = 34
const DASH = 45
const BACKSLASH = 92
const COMMA = 44
const CLOSE = 125
const LOWER_N = 110
/** `null`, as a little-endian word. */
const NULL = 0x6c6c756e
/** More digits than any number that is counted; keeps the sum exact. */
const DIGITS = 15
const QUOTES = 0x22222222
const SLASHES = 0x5c5c5c5c
const ONES = 0x01010101
// As a signed integer: a larger one would be a number on the heap.
const HIGHS = 0x80808080 | 0

/** What reading a line by a template came to. */
export const Match = { no: 0, plain: 1, escaped: 2 } as const
// Constants of this module, also those of others: loads from an imported object cost a tenth of the walk.
const NO = Match.no
const PLAIN = Match.plain
const ESCAPED = Match.escaped
const NEXT_STEP = STEP
const TEXT = Kind.text
const SKIP = Kind.skip

/** Reads lines by a template. Eight bytes a step, both for the texts between the values and within strings. */
export class JsonReader {
  /** Whether the last line's `ACCESS_LOG_TYPE` says that its request goes on. */
  intermediate = false
  #bytes: Buffer | undefined
  #view: DataView = new DataView(new ArrayBuffer(0))

  /** A value that is neither string, null nor a plain number; answers behind it, or -1. */
  #odd(fact: AccessFact, kind: number, span: number, bytes: Buffer, start: number, limit: number): number {
    const end = endOfValue(bytes, start, limit)
    if (end >= 0 && storeValue(fact, kind, span, bytes, start, end)) this.intermediate = true
    return end
  }

  #viewOf(bytes: Buffer): DataView {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    return this.#view
  }

  /** Fills `fact`; after `Match.no` it is half filled. `escaped`: some string still holds escapes. */
  read(template: JsonTemplate, fact: AccessFact, bytes: Buffer, start: number, end: number): number {
    const view = this.#viewOf(bytes)
    const { steps, words } = template
    const count = steps.length - NEXT_STEP
    const spans = fact.spans
    this.intermediate = false
    let match: number = PLAIN
    // What is surely an integer stays one: without `| 0` here and below a tenth of the time is spent on proving it.
    let at = start | 0
    end |= 0
    for (let step = 0; step < count; step += NEXT_STEP) {
      const size = steps[step] ?? 0
      if (at + size >= end) return NO
      if (size >= 8) {
        // The first and the last word apart from the loop between them, which most texts are too short for.
        const last = at + size - 8
        let next = steps[step + 1] ?? 0
        if (view.getFloat64(at, true) !== words[next]) return NO
        if (size > 16) {
          for (at += 8; at < last; at += 8) if (view.getFloat64(at, true) !== words[++next]) return NO
        }
        if (size > 8 && view.getFloat64(last, true) !== words[next + 1]) return NO
        at = last + 8
      } else if (sameText(template, step, bytes, at)) at += size
      else return NO
      const kind = steps[step + 3] ?? 0
      const pair = steps[step + 4] ?? 0
      const first = view.getUint8(at)
      if (first === QUOTE) {
        const from = at + 1
        at = from
        for (const stop = end - 8; ; at += 8) {
          if (at > stop) {
            at = slowString(bytes, at, end) | 0
            break
          }
          const near = view.getInt32(at, true)
          const inNear = hitsOf(near)
          if (inNear !== 0) {
            // The lowest bit set is exact: it belongs to the first quote or backslash.
            at += (31 - Math.clz32(inNear & -inNear)) >> 3
            break
          }
          const far = view.getInt32(at + 4, true)
          const inFar = hitsOf(far)
          if (inFar !== 0) {
            at += 4 + ((31 - Math.clz32(inFar & -inFar)) >> 3)
            break
          }
        }
        if (at >= 0 && view.getUint8(at) === BACKSLASH) {
          at = endOfString(bytes, at, end) | 0
          match = ESCAPED
        }
        if (at < 0) return NO
        if (kind === TEXT) {
          const none = at === from || (at === from + 1 && view.getUint8(from) === DASH)
          spans[pair] = none ? -1 : from
          spans[pair + 1] = none ? -1 : at
        } else if (kind !== SKIP && storeValue(fact, kind, pair >> 1, bytes, from, at)) {
          this.intermediate = true
        }
        at += 1
      } else if (first === LOWER_N) {
        if (at + 4 > end || view.getInt32(at, true) !== NULL) return NO
        at += 4
        if (kind === TEXT) spans[pair] = -1
        else if (kind !== SKIP) storeValue(fact, kind, pair >> 1, bytes, -1, -1)
      } else {
        const from = at
        let value = 0
        for (; at < end; at++) {
          const digit = view.getUint8(at) - 48
          if (digit >>> 0 > 9) break
          value = value * 10 + digit
        }
        const after = at < end ? view.getUint8(at) : 0
        const plain = at > from && at - from <= DIGITS && (after === COMMA || after === CLOSE)
        if (plain && isAmount(kind)) {
          storeAmount(fact, kind, value)
          continue
        }
        at = this.#odd(fact, kind, pair >> 1, bytes, from, end) | 0
        if (at < 0) return NO
        // An object for a text holds its own escapes.
        if (kind === TEXT) match = ESCAPED
      }
    }
    return endsWith(template, bytes, at, end) ? match : NO
  }
}

/** A byte that is sought becomes zero, and subtracting one from zero sets its highest bit; ASCII had it not before. */
const hitsOf = (four: number): number =>
  (((four ^ QUOTES) - ONES) | ((four ^ SLASHES) - ONES)) & ~four & HIGHS

/** The last seven bytes of a line, one by one. */
function slowString(bytes: Buffer, at: number, end: number): number {
  for (; at < end; at++) if (bytes[at] === QUOTE || bytes[at] === BACKSLASH) return at
  return -1
}

function endsWith(template: JsonTemplate, bytes: Buffer, at: number, end: number): boolean {
  const { steps } = template
  const last = steps.length - NEXT_STEP
  return at + (steps[last] ?? 0) === end && sameText(template, last, bytes, at)
}

function sameText(template: JsonTemplate, step: number, bytes: Buffer, at: number): boolean {
  const size = template.steps[step] ?? 0
  const from = template.steps[step + 2] ?? 0
  for (let index = 0; index < size; index++)
    if (bytes[at + index] !== template.bytes[from + index]) return false
  return true
}
