import type { Slot } from "./plan.ts"
import { Kind, Shape } from "./target.ts"
import type { Section, TextTemplate } from "./text-template.ts"

/** What the quick way does with a value. */
export const Op = { skip: 0, text: 1, number: 2, other: 3, time: 4 } as const

/**
 * A text format as one row of integers, read from left to right for each line. One array instead of many columns: the
 * walk keeps its base and length in registers.
 *
 * A section is `quote, offset, word, mask, literal, length, forward, wild, backward` (see below), then per value before the
 * wild one `op, kind, pair, stop, size, literal`, then for the wild one (when `wild` is 1) `op, kind, pair`, then per
 * value behind it, from the end, `op, kind, pair, stop, size, literal`.
 * - quote, offset: which quote of the line the section's closing literal has first (-1: the section ends the line), and
 *   where in that literal it is
 * - word, mask: the closing literal's first four bytes at most, little endian; literal, length: its index and length
 * - stop, size, literal: the byte where the value ends, and length and index of the literal there
 * - pair: index of the value's start in `fact.spans`
 */
export function quickProgram(template: TextTemplate): Int32Array {
  const program: number[] = []
  for (const section of template.sections) addSection(program, template, section)
  return Int32Array.from(program)
}

/** Whether the quick way can be gone at all: no two wild values in a section, no end that must be sought over blanks. */
export function isQuick(template: TextTemplate): boolean {
  return template.sections.every(
    ({ wild, from, to }) =>
      wild >= 0 &&
      template.slots
        .slice(from, to)
        .every(
          (slot, index) => index + from === wild || slot.shape === Shape.token || slot.shape === Shape.number,
        ),
  )
}

function addSection(program: number[], template: TextTemplate, section: Section): void {
  const { literals, slots } = template
  const { from, to, wild, literal } = section
  const four = Buffer.alloc(4)
  literal.copy(four, 0, 0, 4)
  const mask = Buffer.alloc(4).fill(0xff, 0, Math.min(literal.length, 4))
  const hasWild = wild < to
  program.push(section.quote, section.offset, four.readInt32LE(), mask.readInt32LE(), to, literal.length)
  program.push(wild - from, hasWild ? 1 : 0, hasWild ? to - wild - 1 : 0)
  for (let index = from; index < wild; index++) {
    const behind = literals[index + 1]
    program.push(...valueOf(slots[index]), behind?.[0] ?? -1, behind?.length ?? 0, index + 1)
  }
  if (!hasWild) return
  program.push(...valueOf(slots[wild]))
  for (let index = to - 1; index > wild; index--) {
    const before = literals[index]
    // From the end a number is sought like a token.
    const [op, kind, pair] = valueOf(slots[index])
    program.push(
      op === Op.number ? Op.other : op,
      kind,
      pair,
      before?.at(-1) ?? -1,
      before?.length ?? 0,
      index,
    )
  }
}

function valueOf(slot: Slot | undefined): [op: number, kind: number, pair: number] {
  if (slot === undefined) return [Op.skip, Kind.skip, -1]
  const { kind, shape, span } = slot
  const pair = span * 2
  // A number of which nothing is wanted must still look like one.
  if (shape === Shape.number) return [Op.number, kind, pair]
  if (kind === Kind.skip) return [Op.skip, kind, pair]
  if (kind !== Kind.text) return [Op.other, kind, pair]
  return [shape === Shape.time ? Op.time : Op.text, kind, pair]
}
