import { type Document, isPair, type Scalar, visit } from "yaml"
import type { ErrorCode } from "./errors.ts"

/** Variables as the caller passes them; `process.env` fits. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface InterpolationProblem {
  readonly code: ErrorCode
  readonly offset: number
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
 * @returns what could not be replaced; `touched` holds every changed value, so that messages do not print secrets
 */
export function interpolate(
  document: Document,
  env: Environment,
): { problems: InterpolationProblem[]; touched: ReadonlySet<unknown> } {
  const problems: InterpolationProblem[] = []
  const touched = new Set<unknown>()
  visit(document, {
    Scalar(key, node, path) {
      if (typeof node.value !== "string" || !node.value.includes("$")) return
      if (key === "key" && isPair(path.at(-1))) return
      touched.add(node)
      const text = replace(node.value, node.range?.[0] ?? 0, env, problems)
      node.value = node.type === "PLAIN" ? plainValue(text) : text
    },
  })
  return { problems, touched }
}

function replace(text: string, offset: number, env: Environment, problems: InterpolationProblem[]): string {
  return text.replace(REFERENCE, (whole: string, name: string | undefined, fallback: string | undefined) => {
    if (whole === "$$") return "$"
    if (name === undefined) {
      const sentence = `expects \${NAME} or \${NAME:-default}; write $$ for a dollar sign`
      problems.push({ code: "CONFIG_INVALID", offset, sentence })
      return ""
    }
    const value = Object.hasOwn(env, name) ? env[name] : undefined
    // As in a shell: `:-` also takes the place of an empty variable.
    if (fallback !== undefined) return value === undefined || value === "" ? fallback : value
    if (value !== undefined) return value
    const sentence = `the environment variable ${name} is not set; set it, or give a default as \${${name}:-default}`
    problems.push({ code: "CONFIG_ENV_MISSING", offset, sentence })
    return ""
  })
}

function plainValue(text: string): Scalar["value"] {
  if (NUMBER.test(text)) return Number(text)
  if (text === "") return null
  return Object.hasOwn(WORDS, text) ? WORDS[text] : text
}
