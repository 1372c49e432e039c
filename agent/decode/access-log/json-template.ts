import type { JsonScan } from "./json-scan.ts"
import type { Slot } from "./plan.ts"
import { Kind } from "./target.ts"

const UNUSED: Slot = { kind: Kind.skip, shape: 0, span: -1 }

/** Integers of one step in `JsonTemplate.steps`. */
export const STEP = 5

/**
 * What all lines of a proxy have in common: the text between the values, learned from one line. As all strings are
 * escaped, no value can hold such a text, so where all of them are found each value is where it should be.
 */
export interface JsonTemplate {
  /**
   * Five integers per value, in the order of the line, and once more for the text behind the last value: how long the
   * text before the value is (up to its first byte), where it starts in `words` and in `bytes`, then the value's kind
   * and the index of its start in `fact.spans`. In one array, so that the walk keeps base and length in registers.
   */
  readonly steps: Int32Array
  /**
   * The texts eight bytes a word, little endian, the last word overlapping the one before; none for texts below 8 bytes.
   * As doubles, because that is the widest load there is: two that are equal come from equal bytes (a text holds no
   * zeros), and a text that happens to be NaN equals nothing, which costs time but no truth.
   */
  readonly words: Float64Array
  readonly bytes: Buffer
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
  const steps: number[] = []
  const words: number[] = []
  const texts: Buffer[] = []
  let from = start
  let offset = 0
  for (let index = 0; index <= count; index++) {
    const entry = index < count ? scan.entries[index] : undefined
    const { leaf, start: stop, end: next } = entry ?? { leaf: -1, start: end, end }
    const { kind, span } = slots[leaf] ?? UNUSED
    const text = Buffer.from(line.subarray(from, stop))
    steps.push(text.length, words.length, offset, kind, span * 2)
    words.push(...wordsOf(text))
    texts.push(text)
    offset += text.length
    from = next
  }
  return { steps: Int32Array.from(steps), words: Float64Array.from(words), bytes: Buffer.concat(texts) }
}

function wordsOf(text: Buffer): number[] {
  const words: number[] = []
  for (let at = 0; at + 8 <= text.length; at += 8) words.push(text.readDoubleLE(at))
  if (text.length > 8 && text.length % 8 !== 0) words.push(text.readDoubleLE(text.length - 8))
  return words
}
