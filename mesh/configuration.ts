import * as z from "zod"
import {
  expectation,
  flatIssues,
  type Issue,
  type JsonSchema,
  knownKeys,
  unknownKeySentence,
} from "./configuration-issue.ts"
import { valueAt } from "./document-place.ts"
import { MeshscopeError } from "./errors.ts"
import {
  type ConfigurationSource,
  type Problem,
  type WrittenDocument,
  writtenDocument,
} from "./written-document.ts"

export type Checked<T> = { readonly written: WrittenDocument } & (
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] }
)

/**
 * Reads YAML by a schema: `${NAME}` replaced, unknown keys refused (use `z.strictObject`), defaults set. Pure.
 * A key without a value counts as absent, so that a section whose entries are commented out takes its defaults.
 * @returns the value, or every problem in the order of the file. A variable that is not set is one problem; whatever
 *   depends on its value is not looked at, and all the rest is
 */
export function checkConfiguration<S extends z.ZodType>(
  schema: S,
  source: ConfigurationSource,
): Checked<z.output<S>> {
  const written = writtenDocument(source)
  if (written.input === undefined) return { ok: false, problems: inOrder(written.problems), written }
  const parsed = schema.safeParse(written.input)
  if (parsed.success && written.problems.length === 0) return { ok: true, value: parsed.data, written }
  const issues = parsed.success ? [] : flatIssues(parsed.error.issues)
  const known = jsonSchema(schema)
  const found = issues
    .filter((issue) => !written.open(issue.path) || holdsForAnyValue(issue))
    .flatMap((issue) => problemsOf(issue, written, known))
  return { ok: false, problems: inOrder([...written.problems, ...found]), written }
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

/** For `superRefine`: a rule over some fields is also looked at when others are wrong, so that all is said at once. */
export function whereStand(...fields: readonly string[]): {
  when: (payload: z.core.ParsePayload) => boolean
} {
  return {
    when: ({ value, issues }) =>
      typeof value === "object" &&
      value !== null &&
      issues.every(({ code, path: [field] = [] }) =>
        field === undefined ? code === "unrecognized_keys" : !fields.includes(String(field)),
      ),
  }
}

/** By line and column. */
export function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((left, right) => left.line - right.line || left.column - right.column)
}

/** Rules of ours that say what a value must not be do not wait for the value of a variable: a secret, a name used twice. */
function holdsForAnyValue(issue: Issue): boolean {
  return issue.code === "custom" && !issue.message.startsWith("expects")
}

function problemsOf(issue: Issue, written: WrittenDocument, known: JsonSchema): Problem[] {
  const { path } = issue
  if (issue.code === "unrecognized_keys") {
    const names = knownKeys(known, path)
    return issue.keys.map((key) =>
      written.problem("CONFIG_UNKNOWN_KEY", [...path, key], unknownKeySentence(key, names), true),
    )
  }
  const sentence = expectation(issue, valueAt(written.input, path), written.shown(path))
  return [written.problem("CONFIG_INVALID", path, sentence, issue.code === "invalid_key")]
}
