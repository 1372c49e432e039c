import { LineCounter, parseDocument } from "yaml"
import { z } from "zod"
import {
  expectation,
  flatIssues,
  type Issue,
  type JsonSchema,
  knownKeys,
  unknownKeySentence,
} from "./configuration-issue.ts"
import { display, nodeAt, offsetOf, pathText, valueAt } from "./document-place.ts"
import { type ErrorCode, MeshscopeError } from "./errors.ts"
import { type Environment, interpolate } from "./interpolation.ts"

/** A configuration as read: `file` only names it in messages. */
export interface ConfigurationSource {
  readonly file: string
  readonly text: string
  /** What `${NAME}` refers to. */
  readonly env: Environment
}

/** One thing that is wrong, with its place. Line and column count from 1. */
export interface Problem {
  readonly code: ErrorCode
  readonly file: string
  readonly line: number
  readonly column: number
  /** `scrape.interval`, `targets[0].admin`; empty for the file as a whole. */
  readonly path: string
  /** Says what is expected. */
  readonly sentence: string
}

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/**
 * Reads YAML by a schema: `${NAME}` replaced, unknown keys refused (use `z.strictObject`), defaults set. Pure.
 * A key without a value counts as absent, so that a section whose entries are commented out takes its defaults.
 * @returns the value, or every problem in the order of the file
 */
export function checkConfiguration<S extends z.ZodType>(
  schema: S,
  source: ConfigurationSource,
): Checked<z.output<S>> {
  const lines = new LineCounter()
  const document = parseDocument(source.text, { lineCounter: lines, prettyErrors: false })
  const at = (code: ErrorCode, offset: number, path: string, sentence: string): Problem => {
    const { line, col } = lines.linePos(offset)
    return { code, file: source.file, line: Math.max(line, 1), column: Math.max(col, 1), path, sentence }
  }
  const syntax = [...document.errors, ...document.warnings]
  if (syntax.length > 0)
    return failed(syntax.map((error) => at("CONFIG_SYNTAX", error.pos[0], "", syntaxSentence(error))))
  const { problems, touched } = interpolate(document, source.env)
  if (problems.length > 0)
    return failed(problems.map(({ code, offset, sentence }) => at(code, offset, "", sentence)))
  let input: unknown
  try {
    input = withoutNulls(document.toJS({ maxAliasCount: 100 })) ?? {}
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return failed([at("CONFIG_SYNTAX", 0, "", why)])
  }
  const parsed = schema.safeParse(input)
  if (parsed.success) return { ok: true, value: parsed.data }
  const known = jsonSchema(schema)
  const shown = (path: readonly PropertyKey[], value: unknown): string =>
    display(nodeAt(document, path), value, touched)
  return failed(
    flatIssues(parsed.error.issues).flatMap((issue) =>
      sentences(issue, input, known, shown).map(({ path, onKey, code, sentence }) =>
        at(code, offsetOf(document, path, onKey), pathText(path), sentence),
      ),
    ),
  )
}

/** As `checkConfiguration`, but throws one `MeshscopeError` that lists every problem, with the code of the first. */
export function loadConfiguration<S extends z.ZodType>(schema: S, source: ConfigurationSource): z.output<S> {
  const checked = checkConfiguration(schema, source)
  if (checked.ok) return checked.value
  throw new MeshscopeError(
    checked.problems[0]?.code ?? "CONFIG_INVALID",
    checked.problems.map(problemText).join("\n"),
  )
}

/** `agent.yaml:4:3: scrape.interval expects …`, the shape that editors and terminals link. */
export function problemText(problem: Problem): string {
  const subject = problem.path === "" ? "" : `${problem.path} `
  return `${problem.file}:${problem.line}:${problem.column}: ${subject}${problem.sentence}`
}

/** JSON schema (draft 2020-12) of what a user may write. */
export function jsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input" })
}

function failed(problems: readonly Problem[]): { ok: false; problems: readonly Problem[] } {
  return {
    ok: false,
    problems: problems.toSorted((left, right) => left.line - right.line || left.column - right.column),
  }
}

/** The YAML library's words, but where they tell the user to call the library. */
function syntaxSentence({ code, message }: { readonly code: string; readonly message: string }): string {
  return code === "MULTIPLE_DOCS" ? 'expects one document; "---" begins another' : message
}

interface Sentence {
  readonly path: readonly PropertyKey[]
  readonly onKey: boolean
  readonly code: ErrorCode
  readonly sentence: string
}

function sentences(
  issue: Issue,
  input: unknown,
  known: JsonSchema,
  shown: (path: readonly PropertyKey[], value: unknown) => string,
): Sentence[] {
  if (issue.code === "unrecognized_keys") {
    const names = knownKeys(known, issue.path)
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      onKey: true,
      code: "CONFIG_UNKNOWN_KEY",
      sentence: unknownKeySentence(key, names),
    }))
  }
  const value = valueAt(input, issue.path)
  const sentence = expectation(issue, value, shown(issue.path, value))
  return [{ path: issue.path, onKey: issue.code === "invalid_key", code: "CONFIG_INVALID", sentence }]
}

/** A mapping's key without a value becomes undefined: absent for defaults, still there for the check of unknown keys. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => (item === null ? null : withoutNulls(item)))
  if (value === null) return undefined
  if (typeof value !== "object") return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutNulls(item)]))
}
