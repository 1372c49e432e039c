import type { EnvoyHeaderMatch, EnvoyRoute, EnvoyStringMatch } from "#mesh/proxy.ts"
import { compilePattern } from "../pattern/pattern.ts"
import { MAYBE, NO, not, type Tri, triOf, YES } from "./tri.ts"

/** A request as far as a log tells it. */
export interface RequestView {
  /** `:authority` as the table saw it; undefined when the log has none. */
  readonly authority: string | undefined
  /** `:path` with its query; undefined when the log has none. */
  readonly path: string | undefined
  readonly method: string | undefined
  /** A header's value; null: known to be absent; undefined: the log does not tell. Names are lower case. */
  readonly header: (name: string) => string | null | undefined
  /** False when the format cuts the query off. */
  readonly queryLogged: boolean
}

/** A condition that was compiled once. */
export type Condition = (view: RequestView) => Tri
type TextTest = (text: string) => Tri

/** All conditions of a route beside its path: headers, query parameters, gRPC, chance. Empty: the path decides alone. */
export function conditionsOf(match: EnvoyRoute["match"]): Condition[] {
  const conditions: Condition[] = match.headers.map(headerCondition)
  for (const { name, match: text } of match.query) conditions.push(queryCondition(name, text))
  if (match.grpc) conditions.push(isGrpc)
  if (match.fractional) conditions.push(() => MAYBE)
  return conditions
}

/** Envoy: content type `application/grpc`, or with `+…` or `;…` behind it. */
function isGrpc(view: RequestView): Tri {
  const type = view.header("content-type")
  if (type === undefined) return MAYBE
  return triOf(type !== null && /^application\/grpc(?:[+;].*)?$/.test(type))
}

function headerCondition(header: EnvoyHeaderMatch): Condition {
  const test = headerTest(header)
  return (view) => {
    const value = headerValue(view, header.name)
    if (value === undefined) return MAYBE
    const holds = test(value)
    return header.invert ? not(holds) : holds
  }
}

function headerValue(view: RequestView, name: string): string | null | undefined {
  if (name === ":method") return view.method
  if (name === ":authority" || name === "host") return view.authority
  if (name === ":path") return view.path
  return view.header(name)
}

/** Null is an absent header. It matches nothing, so that `invert` makes it match, unless it counts as empty. */
function headerTest(header: EnvoyHeaderMatch): (value: string | null) => Tri {
  const { match, range, present } = header
  const whenAbsent = (value: string | null): string | null =>
    value ?? (header.treatMissingAsEmpty ? "" : null)
  if (match !== undefined) {
    const test = textTest(match)
    return (value) => {
      const text = whenAbsent(value)
      return text === null ? NO : test(text)
    }
  }
  if (range !== undefined) return (value) => triOf(inRange(whenAbsent(value), range))
  return (value) => triOf((value !== null) === (present ?? true))
}

function inRange(value: string | null, range: { readonly start: number; readonly end: number }): boolean {
  if (value === null || !/^[+-]?\d+$/.test(value)) return false
  const number = Number(value)
  return number >= range.start && number < range.end
}

/** Case folds in ASCII alone, as Envoy's `absl::EqualsIgnoreCase` does. */
export function lower(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

function textTest(match: EnvoyStringMatch): TextTest {
  const { regex, ignoreCase = false } = match
  if (regex !== undefined) {
    const pattern = compilePattern(regex, ignoreCase)
    return pattern === undefined ? () => MAYBE : (text) => triOf(pattern.matches(text))
  }
  const fold = ignoreCase ? lower : (text: string): string => text
  const { exact, prefix, suffix, contains } = match
  if (exact !== undefined) return fixed(fold, exact, (text, want) => text === want)
  if (prefix !== undefined) return fixed(fold, prefix, (text, want) => text.startsWith(want))
  if (suffix !== undefined) return fixed(fold, suffix, (text, want) => text.endsWith(want))
  if (contains !== undefined) return fixed(fold, contains, (text, want) => text.includes(want))
  return () => MAYBE
}

function fixed(
  fold: (text: string) => string,
  want: string,
  holds: (text: string, want: string) => boolean,
): TextTest {
  const folded = fold(want)
  return (text) => (holds(fold(text), folded) ? YES : NO)
}

/** Envoy looks at a parameter's first value, decoded from percent escapes. */
function queryCondition(name: string, match: EnvoyStringMatch | undefined): Condition {
  const test = match === undefined ? undefined : textTest(match)
  return (view) => {
    if (!view.queryLogged || view.path === undefined) return MAYBE
    const value = queryValue(view.path, name)
    if (value === undefined) return NO
    return test === undefined ? YES : test(value)
  }
}

function queryValue(path: string, name: string): string | undefined {
  const start = path.indexOf("?")
  if (start < 0) return undefined
  for (const part of path
    .slice(start + 1)
    .split("#", 1)[0]
    ?.split("&") ?? []) {
    const equals = part.indexOf("=")
    const key = equals < 0 ? part : part.slice(0, equals)
    if (decoded(key) === name) return equals < 0 ? "" : decoded(part.slice(equals + 1))
  }
  return undefined
}

function decoded(text: string): string {
  if (!text.includes("%")) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
