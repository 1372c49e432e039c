import { type Document, isPair, isScalar, isSeq, type Node, type Pair, type Scalar, visit } from "yaml"
import type { ErrorCode } from "./errors.ts"

/** Variables as the caller passes them; `process.env` fits. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface InterpolationProblem {
  readonly code: ErrorCode
  readonly offset: number
  /** Keys that lead to the value. */
  readonly path: readonly PropertyKey[]
  readonly sentence: string
}

const REFERENCE = /\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g
/** What an unquoted text may become once its references are replaced. */
const NUMBER = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/
const WORDS: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null, "~": null }

/**
 * Replaces `${NAME}` and `${NAME:-default}` in the values of a parsed document, in place; `$$` stands for one `$`.
 * Values are replaced after parsing, so a variable can never add keys or change the structure. An unquoted value that
 * reads as a number, `true`, `false` or `null` afterwards is one; a quoted one stays a text. Keys are left alone.
 * @returns what could not be replaced; `touched` holds every changed value, so that messages do not print secrets;
 *   `open` every value with a reference that nothing replaced, which keeps its text
 */
export function interpolate(
  document: Document,
  env: Environment,
): { problems: InterpolationProblem[]; touched: ReadonlySet<unknown>; open: ReadonlySet<unknown> } {
  const problems: InterpolationProblem[] = []
  const touched = new Set<unknown>()
  const open = new Set<unknown>()
  visit(document, {
    Scalar(key, node, path) {
      if (typeof node.value !== "string" || !node.value.includes("$")) return
      if (key === "key" && isPair(path.at(-1))) return
      touched.add(node)
      const { text, wrong } = replaced(node.value, env)
      const offset = node.range?.[0] ?? 0
      for (const one of wrong) problems.push({ ...one, offset, path: pathOf(node, path) })
      if (wrong.length > 0) open.add(node)
      node.value = node.type === "PLAIN" ? plainValue(text) : text
    },
  })
  return { problems, touched, open }
}

type Wrong = Pick<InterpolationProblem, "code" | "sentence">

/** A reference that cannot be replaced stays as it is. */
function replaced(text: string, env: Environment): { text: string; wrong: readonly Wrong[] } {
  const wrong: Wrong[] = []
  const done = text.replace(REFERENCE, (whole: string, name?: string, fallback?: string) => {
    if (whole === "$$") return "$"
    if (name === undefined) {
      const sentence = `expects \${NAME} or \${NAME:-default}; write $$ for a dollar sign`
      wrong.push({ code: "CONFIG_INVALID", sentence })
      return whole
    }
    const value = Object.hasOwn(env, name) ? env[name] : undefined
    // As in a shell: `:-` also takes the place of an empty variable.
    if (fallback !== undefined) return value === undefined || value === "" ? fallback : value
    if (value !== undefined) return value
    const sentence = `needs the environment variable ${name}, which is not set; set it, or write \${${name}:-default}`
    wrong.push({ code: "CONFIG_ENV_MISSING", sentence })
    return whole
  })
  return { text: done, wrong }
}

/** Keys and indices of the mappings and lists around a value. */
function pathOf(node: Scalar, around: readonly (Document | Node | Pair)[]): PropertyKey[] {
  return around.flatMap((step, at): PropertyKey[] => {
    if (isPair(step)) return [isScalar(step.key) ? String(step.key.value) : ""]
    return isSeq(step) ? [step.items.indexOf(around[at + 1] ?? node)] : []
  })
}

function plainValue(text: string): Scalar["value"] {
  if (NUMBER.test(text)) return Number(text)
  if (text === "") return null
  return Object.hasOwn(WORDS, text) ? WORDS[text] : text
}
