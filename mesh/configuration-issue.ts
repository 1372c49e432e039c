import type * as z from "zod"
import { nearestName } from "./nearest.ts"

/** One of zod's issues with its full path. */
export type Issue = z.core.$ZodIssue
export type JsonSchema = z.core.JSONSchema.BaseSchema
type JsonSchemaPart = JsonSchema["items"]

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
}

/** Turns unions into the issues of the branch that fits the input best, and joins paths. */
export function flatIssues(issues: readonly Issue[], prefix: readonly PropertyKey[] = []): Issue[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path]
    if (issue.code !== "invalid_union" || issue.errors.length === 0) return [{ ...issue, path }]
    const [best] = issue.errors.toSorted((left, right) => misfit(left) - misfit(right))
    return issue.message.startsWith("expects") && best?.every(ofWrongKind) !== false
      ? [{ ...issue, path }]
      : flatIssues(best ?? [], path)
  })
}

/** A branch of another kind (text for a mapping) fits worst; else the fewer issues the better. */
function misfit(issues: readonly Issue[]): number {
  return issues.some(ofWrongKind) ? 1000 + issues.length : issues.length
}

function ofWrongKind(issue: Issue): boolean {
  return issue.path.length === 0 && issue.code !== "unrecognized_keys" && issue.code !== "custom"
}

/** Names of keys that the schema knows at a path. */
export function knownKeys(schema: JsonSchemaPart, path: readonly PropertyKey[]): string[] {
  if (typeof schema !== "object") return []
  if (Array.isArray(schema)) return schema.flatMap((branch) => knownKeys(branch, path))
  const [key, ...rest] = path
  const branches = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]
  const below = branches.flatMap((branch) => knownKeys(branch, path))
  if (key === undefined) return [...Object.keys(schema.properties ?? {}), ...below]
  if (typeof key === "number") return [...knownKeys(schema.items, rest), ...below]
  const own = Object.hasOwn(schema.properties ?? {}, key) ? schema.properties?.[String(key)] : undefined
  return [...knownKeys(own ?? schema.additionalProperties, rest), ...below]
}

/** `is not a known key; …` with the nearest name, or all names when none is near. */
export function unknownKeySentence(key: string, known: readonly string[]): string {
  const nearest = nearestName(key, known)
  if (nearest !== undefined) return `is not a known key; the nearest is "${nearest}"`
  return known.length === 0 ? "is not a known key" : `is not a known key; known here: ${known.join(", ")}`
}

/** What is expected, for any issue but unknown keys. `shown` is the value as the file has it. */
export function expectation(issue: Issue, value: unknown, shown: string): string {
  const expects = issue.message.startsWith("expects") ? issue.message : expected(issue)
  if (value === undefined) return `is missing; ${expects}`
  if (issue.code === "custom" && !issue.message.startsWith("expects")) return issue.message
  if (issue.code === "invalid_value" && typeof value === "string") {
    const nearest = nearestName(value, issue.values.map(String))
    return `${expects}, not ${shown}${nearest === undefined ? "" : `; the nearest is "${nearest}"`}`
  }
  return `${expects}, not ${shown}`
}

function expected(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `expects ${TYPE_WORDS[issue.expected] ?? issue.expected}`
    case "invalid_value":
      return `expects ${issue.values.length === 1 ? "" : "one of "}${issue.values.map(String).join(", ")}`
    case "too_small":
      return `expects ${issue.inclusive === false ? "more than" : "at least"} ${bound(issue.minimum, issue.origin)}`
    case "too_big":
      return `expects ${issue.inclusive === false ? "less than" : "at most"} ${bound(issue.maximum, issue.origin)}`
    case "invalid_format":
    case "not_multiple_of":
    case "unrecognized_keys":
    case "invalid_union":
    case "invalid_key":
    case "invalid_element":
    case "custom":
      return `expects another value (${issue.message})`
  }
}

function bound(limit: number | bigint, origin: string): string {
  if (origin === "array" || origin === "set") return `${limit} ${limit === 1 ? "entry" : "entries"}`
  if (origin === "string") return `${limit} ${limit === 1 ? "character" : "characters"}`
  return String(limit)
}
