import type { JsonFormat } from "#mesh/proxy.ts"
import { type Operator, parseFormatText, UNREADABLE } from "./operator.ts"

/** Where a key of the format leads: to the index of an operator, or to the keys of a nested object. */
export type JsonKeys = ReadonlyMap<string, number | JsonKeys>

export interface JsonTree {
  /** Keys as a line spells them (escaped), one character per byte. */
  readonly keys: JsonKeys
  /** One per key that holds a value, nested ones too. A value that is not just one operator is one of no use. */
  readonly operators: readonly Operator[]
}

/** Nesting that nobody needs; deeper objects are skipped as a whole. */
const DEEPEST = 8

export function jsonTree(format: JsonFormat): JsonTree {
  const operators: Operator[] = []
  const walk = (fields: JsonFormat, depth: number): JsonKeys => {
    const keys = new Map<string, number | JsonKeys>()
    for (const [key, value] of Object.entries(fields)) {
      if (typeof value === "string" || depth === DEEPEST) {
        keys.set(spelling(key), operators.length)
        operators.push(typeof value === "string" ? onlyOperator(value) : UNREADABLE)
      } else {
        keys.set(spelling(key), walk(value, depth + 1))
      }
    }
    return keys
  }
  return { keys: walk(format, 0), operators }
}

const spelling = (key: string): string => Buffer.from(JSON.stringify(key).slice(1, -1)).toString("latin1")

/** A value that mixes text and operators, or holds none, is of no use. */
function onlyOperator(value: string): Operator {
  const { literals, operators } = parseFormatText(value)
  return operators.length === 1 && literals.every((literal) => literal === "")
    ? (operators[0] ?? UNREADABLE)
    : UNREADABLE
}
