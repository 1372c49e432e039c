import { type FormatText, type Operator, parseFormatText, UNREADABLE } from "./operator.ts"
import type { Plan, Slot } from "./plan.ts"
import { planFormat } from "./plan.ts"
import { Shape } from "./target.ts"

const QUOTE = 34

/** A text format made ready: literals as bytes, one more than there are slots. */
export interface TextTemplate {
  readonly plan: Plan
  readonly literals: readonly Buffer[]
  readonly slots: readonly Slot[]
  readonly sections: readonly Section[]
  /** How many quotes the literals hold together; -1 when sections cannot be told apart by quotes. */
  readonly quotes: number
}

/**
 * A run of slots between two literals that hold a quote. In a line with just as many quotes as its format, no value
 * holds one, so each section's borders are known at once.
 */
export interface Section {
  /** Slots `[from, to)`. */
  readonly from: number
  readonly to: number
  /** The only slot that may hold anything; `to` when there is none. -1: several, to be told apart by the solver. */
  readonly wild: number
  /** Which quote of the line (counted from 0) is the first of the literal that ends the section; -1: the line's end. */
  readonly quote: number
  /** Where in that literal its first quote is. */
  readonly offset: number
  /** The literal that ends the section. */
  readonly literal: Buffer
}

/** @returns the template, or the sentence that says why lines of this format cannot be told apart. */
export function textTemplate(text: string, kind: "http" | "tcp"): TextTemplate | string {
  const parsed = parseFormatText(text.replace(/\r?\n$/, ""))
  if (parsed.literals.some((literal) => literal.includes("\n"))) {
    return "The access-log format spreads one record over several lines."
  }
  if (parsed.operators.length === 0) return "The access-log format holds no operator."
  const { literals, operators } = separate(parsed)
  const plan = planFormat(operators, true, kind)
  const bytes = literals.map((literal) => Buffer.from(literal))
  const sections = cutSections(bytes, plan.slots)
  return { plan, literals: bytes, slots: plan.slots, sections, quotes: countQuotes(bytes) }
}

/** Two operators with nothing between them cannot be told apart: together they are one value of no use. */
function separate(parsed: FormatText): FormatText {
  const literals = [parsed.literals[0] ?? ""]
  const operators: Operator[] = []
  for (const [index, operator] of parsed.operators.entries()) {
    const glued = index > 0 && parsed.literals[index] === ""
    if (glued) operators[operators.length - 1] = UNREADABLE
    else operators.push(operator)
    const after = parsed.literals[index + 1] ?? ""
    if (glued) literals[literals.length - 1] = after
    else literals.push(after)
  }
  return { literals, operators }
}

const quotesIn = (literal: Buffer): number => literal.filter((byte) => byte === QUOTE).length
const countQuotes = (literals: readonly Buffer[]): number =>
  literals.reduce((sum, literal) => sum + quotesIn(literal), 0)

function cutSections(literals: readonly Buffer[], slots: readonly Slot[]): Section[] {
  const sections: Section[] = []
  let from = 0
  let seen = quotesIn(literals[0] ?? Buffer.alloc(0))
  for (let to = 1; to <= slots.length; to++) {
    const literal = literals[to] ?? Buffer.alloc(0)
    const last = to === slots.length
    const offset = literal.indexOf(QUOTE)
    if (offset < 0 && !last) continue
    sections.push({
      from,
      to,
      wild: wildOf(slots, from, to),
      quote: last ? -1 : seen,
      offset: last ? 0 : offset,
      literal,
    })
    seen += quotesIn(literal)
    from = to
  }
  return sections
}

function wildOf(slots: readonly Slot[], from: number, to: number): number {
  // Alone between two borders a value need not be looked at.
  if (to === from + 1 && slots[from]?.shape !== Shape.number) return from
  let wild = to
  for (let index = from; index < to; index++) {
    if (slots[index]?.shape !== Shape.wild) continue
    if (wild !== to) return -1
    wild = index
  }
  return wild
}
