import { Field } from "#mesh/access.ts"
import { classifyLine, LineKind } from "./classify.ts"
import { type AccessLogDecoder, DecodeResult } from "./decoder.ts"
import { finishFact } from "./finish.ts"
import type { Slot } from "./plan.ts"
import { QuoteIndex } from "./quote-index.ts"
import { Kind, Shape } from "./target.ts"
import { endOf, literalAt, startOf } from "./text-shape.ts"
import { Reading, TextSolver } from "./text-solver.ts"
import type { Section, TextTemplate } from "./text-template.ts"
import { storeValue } from "./value.ts"

const NOTHING = Buffer.alloc(0)
const TIME_LENGTH = 24

/**
 * Decoder of a text format.
 *
 * The quick way: as many quotes as the format has itself means that no value holds one, so the borders of every section
 * between quotes are known, and within a section at most one value can be anything. The careful way, for all other
 * lines: `TextSolver` over the whole line, which also says whether there was a second way to read it.
 */
export function textDecoder(template: TextTemplate): AccessLogDecoder {
  const { plan } = template
  const quick = new QuickText(template)
  const careful = new CarefulText(template)
  // Where a line may begin with anything, Envoy's own log would pass for one.
  const weak = template.literals[0]?.length === 0 && template.slots[0]?.shape === Shape.wild
  return {
    abilities: plan.abilities,
    fact: plan.fact,
    unknownOperators: plan.unknown,
    decode(bytes, start, end) {
      if (weak && classifyLine(bytes, start, end) !== LineKind.other) return DecodeResult.notAccessLine
      plan.fact.doubtful = false
      let result = quick.read(bytes, start, end)
      if (result === DecodeResult.notAccessLine) result = careful.read(bytes, start, end)
      if (result <= DecodeResult.intermediate) finishFact(plan, bytes)
      return result
    },
  }
}

class QuickText {
  readonly #template: TextTemplate
  readonly #quotes: QuoteIndex
  #intermediate = false
  constructor(template: TextTemplate) {
    this.#template = template
    this.#quotes = new QuoteIndex(template.quotes)
  }

  /** Answers `notAccessLine` whenever the line is not plain; the facts may then be half filled. */
  read(bytes: Buffer, start: number, end: number): number {
    const { literals, sections, slots } = this.#template
    const head = literals[0] ?? NOTHING
    const tail = literals[slots.length] ?? NOTHING
    let left = start + head.length
    const last = end - tail.length
    if (left > last || !literalAt(bytes, head, start, end) || !literalAt(bytes, tail, last, end)) {
      return DecodeResult.notAccessLine
    }
    if (!this.#quotes.find(bytes, start, end)) return DecodeResult.notAccessLine
    this.#intermediate = false
    for (const section of sections) {
      const right = section.quote < 0 ? last : this.#quotes.at(section.quote) - section.offset
      const literal = literals[section.to] ?? NOTHING
      if (right < left || !literalAt(bytes, literal, right, end)) return DecodeResult.notAccessLine
      if (!this.#section(section, bytes, left, right)) return DecodeResult.notAccessLine
      left = right + literal.length
    }
    return this.#intermediate ? DecodeResult.intermediate : DecodeResult.ok
  }

  #section(section: Section, bytes: Buffer, left: number, right: number): boolean {
    const { from, to, wild } = section
    if (wild < 0) return false
    const { literals, slots } = this.#template
    let at = left
    for (let index = from; index < wild; index++) {
      const slot = slots[index]
      if (slot === undefined) return false
      const literal = index + 1 === to ? NOTHING : (literals[index + 1] ?? NOTHING)
      const stop =
        slot.shape === Shape.time
          ? endOfTime(bytes, literal, at, right)
          : endOf(slot.shape, bytes, literal, at, right)
      if (stop < 0) return false
      this.#store(slot, bytes, at, stop)
      at = stop + literal.length
    }
    if (wild === to) return true
    let stop = right
    for (let index = to - 1; index > wild; index--) {
      const slot = slots[index]
      const literal = literals[index] ?? NOTHING
      if (slot === undefined) return false
      const begin = startOf(slot.shape, bytes, literal, stop, at)
      if (begin < 0) return false
      this.#store(slot, bytes, begin, stop)
      stop = begin - literal.length
    }
    const slot = slots[wild]
    if (slot === undefined || stop < at) return false
    this.#store(slot, bytes, at, stop)
    return true
  }

  #store(slot: Slot, bytes: Buffer, start: number, end: number): void {
    if (slot.kind === Kind.skip) return
    if (storeValue(this.#template.plan.fact, slot.kind, slot.span, bytes, start, end))
      this.#intermediate = true
  }
}

/** The default time has a fixed length; anything else goes the general way. */
function endOfTime(bytes: Buffer, literal: Buffer, at: number, limit: number): number {
  const end = at + TIME_LENGTH
  if (literal.length === 0 ? end === limit : literalAt(bytes, literal, end, limit)) return end
  return endOf(Shape.token, bytes, literal, at, limit)
}

const PATHS = new Set<number>([Field.path, Field.originalPath, Field.eitherPath])
/** Values that Envoy checks; only where a line cannot be read with that, they may be anything. */
const CHECKED = new Set<number>([Field.method, Field.authority])

class CarefulText {
  readonly #template: TextTemplate
  readonly #strict: TextSolver
  readonly #loose: TextSolver
  readonly #firstWild: number
  constructor(template: TextTemplate) {
    this.#template = template
    const { literals, slots } = template
    const strict = slots.map((slot) => (slot.shape === Shape.time ? Shape.token : slot.shape))
    this.#strict = new TextSolver(literals, strict)
    this.#loose = new TextSolver(
      literals,
      slots.map((slot, index) => (CHECKED.has(slot.span) ? Shape.wild : (strict[index] ?? Shape.wild))),
    )
    this.#firstWild = strict.indexOf(Shape.wild)
  }

  read(bytes: Buffer, start: number, end: number): number {
    const { literals, slots } = this.#template
    const head = literals[0] ?? NOTHING
    const tail = literals[slots.length] ?? NOTHING
    if (!literalAt(bytes, head, start, end)) return DecodeResult.notAccessLine
    const left = start + head.length
    const right = end - tail.length
    const begins = this.#begins(bytes, left, end) ? DecodeResult.malformed : DecodeResult.notAccessLine
    if (right < left || !literalAt(bytes, tail, right, end)) return begins
    let solver = this.#strict
    let reading = solver.solve(bytes, 0, slots.length, left, right)
    if (reading === Reading.none) {
      solver = this.#loose
      reading = solver.solve(bytes, 0, slots.length, left, right)
    }
    if (reading === Reading.none) return begins
    this.#template.plan.fact.doubtful = reading === Reading.several
    return this.#take(solver, bytes) ? DecodeResult.intermediate : DecodeResult.ok
  }

  /** Whether the first value and what follows it are those of the format: a torn line, not a stranger. */
  #begins(bytes: Buffer, left: number, end: number): boolean {
    const { literals, slots } = this.#template
    const shape = slots[0]?.shape ?? Shape.wild
    const literal = literals[1] ?? NOTHING
    return shape !== Shape.wild && literal.length > 0 && endOf(shape, bytes, literal, left, end) >= 0
  }

  #take(solver: TextSolver, bytes: Buffer): boolean {
    const { plan, slots } = this.#template
    let intermediate = false
    for (let index = 0; index < slots.length; index++) {
      const slot = slots[index]
      if (slot === undefined || slot.kind === Kind.skip) continue
      const start = solver.left[index * 2] ?? 0
      const end = solver.left[index * 2 + 1] ?? 0
      const sure = start === solver.right[index * 2] && end === solver.right[index * 2 + 1]
      const kept = sure || this.#leftIsBest(slot, index)
      if (storeValue(plan.fact, slot.kind, slot.span, bytes, kept ? start : -1, end)) intermediate = true
    }
    return intermediate
  }

  /**
   * Where readings differ, texts are left out: a wrong name is worse than none. Numbers and flags must say something,
   * and the leftmost reading of them is the true one unless a path held a blank, which no request line can; headers,
   * which can, stand to their right. For the same reason the first value keeps its leftmost reading if it is a path.
   */
  #leftIsBest(slot: Slot, index: number): boolean {
    if (slot.kind === Kind.flags || slot.kind !== Kind.text) return true
    return index === this.#firstWild && PATHS.has(slot.span)
  }
}
