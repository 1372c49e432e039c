import { Shape } from "./target.ts"

const BLANK = 32
const QUOTE = 34
const DASH = 45
/** Longest value that Envoy itself makes; keeps a hostile line from costing quadratic time. */
const LONGEST = 512

/** Whether `literal` stands at `at` and ends by `limit`. */
export function literalAt(bytes: Buffer, literal: Buffer, at: number, limit: number): boolean {
  const { length } = literal
  if (at + length > limit) return false
  for (let index = 0; index < length; index++) if (bytes[at + index] !== literal[index]) return false
  return true
}

/** Where `literal` first stands in `[from, limit)`; -1 when nowhere. */
export function findLiteral(bytes: Buffer, literal: Buffer, from: number, limit: number): number {
  const last = limit - literal.length
  const first = literal[0]
  for (let at = from; at <= last; at++) {
    if (bytes[at] === first && literalAt(bytes, literal, at, limit)) return at
  }
  return -1
}

/**
 * Where a value that starts at `at` and is followed by `literal` ends.
 * An empty literal means: the value goes to `limit`.
 * @returns -1 when no value of this shape is there. Never for `Shape.wild`: its end is not its own to tell.
 */
export function endOf(shape: number, bytes: Buffer, literal: Buffer, at: number, limit: number): number {
  if (shape === Shape.number) return endOfNumber(bytes, literal, at, limit)
  const stop = Math.min(limit, at + LONGEST)
  for (let end = at; end <= stop; end++) {
    if (literal.length === 0 ? end === limit : literalAt(bytes, literal, end, limit)) return end
    if (shape !== Shape.free && (bytes[end] === BLANK || bytes[end] === QUOTE)) return -1
  }
  return -1
}

function endOfNumber(bytes: Buffer, literal: Buffer, at: number, limit: number): number {
  let end = at
  if (at < limit && bytes[at] === DASH) end = at + 1
  while (end < limit && ((bytes[end] ?? 0) - 48) >>> 0 < 10) end++
  if (literal.length === 0) return end === limit ? end : -1
  return literalAt(bytes, literal, end, limit) ? end : -1
}

/** The mirror of `endOf`: where a value starts that ends at `end` and has `literal` before it. */
export function startOf(shape: number, bytes: Buffer, literal: Buffer, end: number, floor: number): number {
  const stop = Math.max(floor + literal.length, end - LONGEST)
  for (let start = end; start >= stop; start--) {
    if (literalAt(bytes, literal, start - literal.length, start)) return start
    const byte = start > stop ? bytes[start - 1] : BLANK
    if (shape === Shape.number && byte !== DASH && ((byte ?? 0) - 48) >>> 0 > 9) return -1
    if (shape !== Shape.free && (byte === BLANK || byte === QUOTE)) return -1
  }
  return -1
}
