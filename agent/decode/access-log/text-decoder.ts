import { FIELD_COUNT, Field } from "#mesh/access.ts"
import { classifyLine, LineKind } from "./classify.ts"
import { type AccessLogDecoder, DecodeResult } from "./decoder.ts"
import { finishFact } from "./finish.ts"
import type { Slot } from "./plan.ts"
import { QuickDefault } from "./quick-default.ts"
import { QuickText } from "./quick-text.ts"
import { Kind, Shape } from "./target.ts"
import { endOf, literalAt } from "./text-shape.ts"
import { Reading, TextSolver } from "./text-solver.ts"
import type { TextTemplate } from "./text-template.ts"
import { storeValue } from "./value.ts"

const NOTHING = Buffer.alloc(0)

/**
 * Decoder of a text format.
 *
 * The quick way: as many quotes as the format has itself means that no value holds one, so the borders of every section
 * between quotes are known, and within a section at most one value can be anything. The careful way, for all other
 * lines: `TextSolver` over the whole line, which also says whether there was a second way to read it.
 * @param isDefault the format is Envoy's default one, for which there is a quicker way still
 */
export function textDecoder(template: TextTemplate, isDefault = false): AccessLogDecoder {
  const { plan } = template
  const quick = isDefault
    ? new QuickDefault(plan.fact, FIELD_COUNT + plan.abilities.headers.indexOf("x-forwarded-for"))
    : new QuickText(template)
  const careful = new CarefulText(template)
  // Where a line may begin with anything, Envoy's own log would pass for one.
  const weak = template.literals[0]?.length === 0 && template.slots[0]?.shape === Shape.wild
  return {
    abilities: plan.abilities,
    fact: plan.fact,
    unknownOperators: plan.unknown,
    tellsKind: plan.tellsKind,
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
   * and the leftmost reading of them is the true one unless the path holds a blank. Envoy refuses such a path (seen with
   * 1.40 over HTTP/1.1 and HTTP/2), so only an `x-envoy-original-path` that the caller made up can do that; all other
   * headers stand to the right. For the same reason the first value keeps its leftmost reading if it is a path.
   */
  #leftIsBest(slot: Slot, index: number): boolean {
    if (slot.kind === Kind.flags || slot.kind !== Kind.text) return true
    return index === this.#firstWild && PATHS.has(slot.span)
  }
}
