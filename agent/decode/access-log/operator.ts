/** One `%NAME(argument):length%` of a format string. */
export interface Operator {
  /** Upper case as written, e.g. `REQ`. */
  readonly name: string
  /** Text between the parentheses; empty without. */
  readonly argument: string
}

/** A format string is literals with operators between: `literals[0] operators[0] literals[1] …`, one literal more. */
export interface FormatText {
  readonly literals: readonly string[]
  readonly operators: readonly Operator[]
}

/** Stands for values that cannot be told apart or are not just one operator: their place is known, no more. */
export const UNREADABLE: Operator = { name: "", argument: "" }

// The argument of START_TIME may hold `%` and of CEL nearly anything, so an argument ends at `)` followed by `%` or `:n%`.
const OPERATOR = /%([A-Z][A-Z0-9_]*)(?:\(((?:[^)]|\)(?!%|:\d+%))*)\))?(?::\d+)?%/g

/** Cuts a format string into literals and operators; `%%` is a literal percent sign. Never throws. */
export function parseFormatText(text: string): FormatText {
  const literals: string[] = []
  const operators: Operator[] = []
  let literal = ""
  let from = 0
  while (from < text.length) {
    const percent = text.indexOf("%", from)
    if (percent < 0) break
    literal += text.slice(from, percent)
    OPERATOR.lastIndex = percent
    const found = OPERATOR.exec(text)
    if (found !== null && found.index === percent) {
      literals.push(literal)
      literal = ""
      operators.push({ name: found[1] ?? "", argument: found[2] ?? "" })
      from = percent + found[0].length
    } else {
      literal += "%"
      from = percent + (text[percent + 1] === "%" ? 2 : 1)
    }
  }
  literals.push(literal + text.slice(from))
  return { literals, operators }
}
