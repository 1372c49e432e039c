import { DecodeResult } from "./decoder.ts"
import { isQuick, Op, quickProgram } from "./quick-program.ts"
import { QuoteIndex } from "./quote-index.ts"
import { Kind } from "./target.ts"
import { literalAt } from "./text-shape.ts"
import type { TextTemplate } from "./text-template.ts"
import { storeAmount, storeValue } from "./value.ts"

const BLANK = 32
const DASH = 45
const LETTER_T = 84
/** `2026-11-20T15:53:52.113Z` */
const TIME_LENGTH = 24
/** More digits than any number that is counted; keeps the sum exact. */
const DIGITS = 15
// Constants of this module: loads from an imported object would cost more than the work.
const OP_TEXT = Op.text
const OP_NUMBER = Op.number
const OP_OTHER = Op.other
const OP_TIME = Op.time
const NOTHING = Buffer.alloc(0)

/**
 * The quick way through a text line: as many quotes as the format has itself means that no value holds one, so the
 * borders of every section between quotes are known, and within a section at most one value can be anything.
 * Whatever is not plain is left to the careful way.
 */
export class QuickText {
  readonly #template: TextTemplate
  readonly #quotes: QuoteIndex
  readonly #program: Int32Array
  readonly #spans: Int32Array
  /** Numbers of the line by kind. */
  readonly #amounts = new Float64Array(Object.keys(Kind).length)
  /** Kinds of numbers in the format. */
  readonly #numbers: readonly number[]
  readonly #head: Buffer
  readonly #tail: Buffer
  #intermediate = false

  constructor(template: TextTemplate) {
    this.#template = template
    this.#quotes = new QuoteIndex(template.quotes)
    this.#program = isQuick(template) ? quickProgram(template) : new Int32Array(0)
    this.#spans = template.plan.fact.spans
    this.#numbers = numberKinds(this.#program)
    this.#head = template.literals[0] ?? NOTHING
    this.#tail = template.literals.at(-1) ?? NOTHING
  }

  /** Answers `notAccessLine` whenever the line is not plain; the facts may then be half filled. */
  read(bytes: Buffer, start: number, end: number): number {
    if (this.#program.length === 0) return DecodeResult.notAccessLine
    const left = start + this.#head.length
    const right = end - this.#tail.length
    if (
      left > right ||
      !literalAt(bytes, this.#head, start, end) ||
      !literalAt(bytes, this.#tail, right, end)
    ) {
      return DecodeResult.notAccessLine
    }
    if (!this.#quotes.find(bytes, start, end)) return DecodeResult.notAccessLine
    this.#intermediate = false
    if (!this.#walk(bytes, left, right, end)) return DecodeResult.notAccessLine
    const { fact } = this.#template.plan
    for (const kind of this.#numbers) storeAmount(fact, kind, this.#amounts[kind] ?? -1)
    return this.#intermediate ? DecodeResult.intermediate : DecodeResult.ok
  }

  /** One long function on purpose: calls between its parts cost more than the parts. */
  #walk(bytes: Buffer, start: number, last: number, end: number): boolean {
    const program = this.#program
    const spans = this.#spans
    const amounts = this.#amounts
    const quotes = this.#quotes
    const { places, view } = quotes
    const size = program.length
    let left = start
    for (let pc = 0; pc < size; ) {
      const quote = program[pc] ?? 0
      let right = quote < 0 ? last : (places[quote] ?? 0) - (program[pc + 1] ?? 0)
      if (right < left) return false
      const literal = program[pc + 4] ?? 0
      if (right + 4 <= end) {
        if (((view.getInt32(right, true) ^ (program[pc + 2] ?? 0)) & (program[pc + 3] ?? 0)) !== 0)
          return false
      } else if (!this.#hasLiteral(literal, bytes, right, end)) return false
      const next = right + (program[pc + 5] ?? 0)
      let forward = program[pc + 6] ?? 0
      const wild = program[pc + 7] ?? 0
      let backward = program[pc + 8] ?? 0
      pc += 9
      for (; forward > 0; forward--, pc += 6) {
        const from = left
        if (program[pc] === OP_NUMBER) {
          let value = 0
          for (; left < right; left++) {
            const digit = (bytes[left] ?? 0) - 48
            if (digit >>> 0 > 9) break
            value = value * 10 + digit
          }
          if (left - from > DIGITS) return false
          if (left === from) {
            value = -1
            if (bytes[left] === DASH) left += 1
          }
          amounts[program[pc + 1] ?? 0] = value
        } else {
          const stop = program[pc + 3]
          while (left < right && bytes[left] !== stop && bytes[left] !== BLANK) left++
          this.#store(pc, program, spans, bytes, from, left)
        }
        if (forward === 1 && wild === 0) break
        if (left >= right || bytes[left] !== program[pc + 3]) return false
        const width = program[pc + 4] ?? 0
        if (width > 1 && !this.#hasLiteral(program[pc + 5] ?? 0, bytes, left, right)) return false
        left += width
      }
      if (wild === 0) {
        if (left !== right) return false
        if (forward === 1) pc += 6
      } else {
        const at = pc
        pc += 3
        for (; backward > 0; backward--, pc += 6) {
          const to = right
          const stop = program[pc + 3]
          while (right > left && bytes[right - 1] !== stop && bytes[right - 1] !== BLANK) right--
          this.#store(pc, program, spans, bytes, right, to)
          right -= program[pc + 4] ?? 0
          if (right < left || !this.#hasLiteral(program[pc + 5] ?? 0, bytes, right, to)) return false
        }
        if (program[at] === OP_TIME && !isTime(bytes, left, right)) return false
        this.#store(at, program, spans, bytes, left, right)
      }
      left = next
    }
    return true
  }

  #store(
    pc: number,
    program: Int32Array,
    spans: Int32Array,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    const op = program[pc]
    const pair = program[pc + 2] ?? 0
    const none = end === start || (end === start + 1 && bytes[start] === DASH)
    if (op === OP_TEXT || op === OP_TIME) {
      spans[pair] = none ? -1 : start
      spans[pair + 1] = none ? -1 : end
    } else if (op === OP_OTHER) {
      this.#storeOther(program[pc + 1] ?? 0, pair / 2, bytes, none ? -1 : start, end)
    }
  }

  #storeOther(kind: number, span: number, bytes: Buffer, start: number, end: number): void {
    if (storeValue(this.#template.plan.fact, kind, span, bytes, start, end)) this.#intermediate = true
  }

  #hasLiteral(index: number, bytes: Buffer, at: number, limit: number): boolean {
    return literalAt(bytes, this.#template.literals[index] ?? NOTHING, at, limit)
  }
}

/** The numbers that `walk` leaves in `amounts`. */
function numberKinds(program: Int32Array): number[] {
  const kinds = new Set<number>()
  for (let pc = 0; pc < program.length; ) {
    const forward = program[pc + 6] ?? 0
    const wild = program[pc + 7] ?? 0
    const backward = program[pc + 8] ?? 0
    pc += 9
    for (let index = 0; index < forward; index++) {
      if (program[pc + index * 6] === OP_NUMBER) kinds.add(program[pc + index * 6 + 1] ?? 0)
    }
    pc += forward * 6 + wild * 3 + backward * 6
  }
  return [...kinds]
}

/** The default time has a fixed length; whatever else is printed for one holds no blank. */
function isTime(bytes: Buffer, start: number, end: number): boolean {
  if (end - start === TIME_LENGTH && bytes[start + 10] === LETTER_T) return true
  for (let at = start; at < end; at++) if (bytes[at] === BLANK) return false
  return true
}
