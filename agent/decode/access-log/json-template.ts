import type { JsonScan } from "./json-scan.ts"
import type { Slot } from "./plan.ts"
import { Kind } from "./target.ts"

const UNUSED: Slot = { kind: Kind.skip, shape: 0, span: -1 }

/**
 * What all lines of a proxy have in common: the text between the values, learned from one line. As all strings are
 * escaped, no value can hold such a text, so where all of them are found each value is where it should be.
 *
 * Columns instead of rows, as each line walks them: entry i is one value and the text before it.
 */
export interface JsonTemplate {
  readonly count: number
  /** Text before the value, up to its first byte; the last entry (index `count`) is the text behind the last value. */
  readonly length: Int32Array
  /** Where the text starts in `words` and in `bytes`. */
  readonly word: Int32Array
  readonly byte: Int32Array
  /**
   * The texts eight bytes a word, little endian, the last word overlapping the one before; none for texts below 8 bytes.
   * As doubles, because that is the widest load there is: two that are equal come from equal bytes (a text holds no
   * zeros), and a text that happens to be NaN equals nothing, which costs time but no truth.
   */
  readonly words: Float64Array
  readonly bytes: Buffer
  readonly kind: Int32Array
  readonly span: Int32Array
}

/** Learns from a line that `scan` has just read. */
export function learnTemplate(
  scan: JsonScan,
  slots: readonly Slot[],
  line: Buffer,
  start: number,
  end: number,
): JsonTemplate {
  const { count } = scan
  const texts: Buffer[] = []
  const kind = new Int32Array(count)
  const span = new Int32Array(count)
  let from = start
  for (let index = 0; index < count; index++) {
    const entry = scan.entries[index] ?? { leaf: -1, start: from, end: from }
    const slot = slots[entry.leaf] ?? UNUSED
    texts.push(Buffer.from(line.subarray(from, entry.start)))
    kind[index] = slot.kind
    span[index] = slot.span
    from = entry.end
  }
  texts.push(Buffer.from(line.subarray(from, end)))
  return { count, kind, span, ...columns(texts) }
}

type Texts = Pick<JsonTemplate, "length" | "word" | "byte" | "words" | "bytes">

function columns(texts: readonly Buffer[]): Texts {
  const words: number[] = []
  const word = new Int32Array(texts.length)
  const byte = new Int32Array(texts.length)
  let offset = 0
  for (const [index, text] of texts.entries()) {
    word[index] = words.length
    byte[index] = offset
    offset += text.length
    for (let at = 0; at + 8 <= text.length; at += 8) words.push(text.readDoubleLE(at))
    if (text.length > 8 && text.length % 8 !== 0) words.push(text.readDoubleLE(text.length - 8))
  }
  return {
    length: Int32Array.from(texts, (text) => text.length),
    word,
    byte,
    words: Float64Array.from(words),
    bytes: Buffer.concat(texts),
  }
}
