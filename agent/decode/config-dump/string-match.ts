import { isObject } from "#mesh/json-object.ts"
import type { EnvoyHeaderMatch, EnvoyStringMatch } from "#mesh/proxy.ts"
import { field, list, number, someText, text } from "./json.ts"

/** A StringMatcher (`{exact|prefix|suffix|contains|safe_regex, ignore_case}`). Undefined when it is none of these. */
export function stringMatch(value: unknown): EnvoyStringMatch | undefined {
  if (!isObject(value)) return undefined
  const ignoreCase = field(value, "ignore_case") === true ? { ignoreCase: true } : {}
  for (const kind of ["exact", "prefix", "suffix", "contains"] as const) {
    const found = field(value, kind)
    if (typeof found === "string") return { [kind]: found, ...ignoreCase }
  }
  const regex = field(field(value, "safe_regex"), "regex") ?? field(value, "regex")
  return typeof regex === "string" ? { regex, ...ignoreCase } : undefined
}

const OLD_KEYS = [
  ["exact_match", "exact"],
  ["prefix_match", "prefix"],
  ["suffix_match", "suffix"],
  ["contains_match", "contains"],
  ["regex_match", "regex"],
] as const

/** One `match.headers[]`, in today's form (`string_match`) or in the older one (`exact_match`, …). */
export function headerMatch(value: unknown): EnvoyHeaderMatch {
  const match = stringMatch(field(value, "string_match")) ?? oldMatch(value)
  const range = field(value, "range_match")
  const start = number(field(range, "start")) ?? 0
  const end = number(field(range, "end")) ?? 0
  const present = field(value, "present_match")
  return {
    name: text(field(value, "name")).toLowerCase(),
    ...(match === undefined ? {} : { match }),
    ...(typeof present === "boolean" ? { present } : {}),
    ...(isObject(range) ? { range: { start, end } } : {}),
    invert: field(value, "invert_match") === true,
    treatMissingAsEmpty: field(value, "treat_missing_header_as_empty") === true,
  }
}

function oldMatch(value: unknown): EnvoyStringMatch | undefined {
  for (const [key, kind] of OLD_KEYS) {
    const found = field(value, key)
    if (typeof found === "string") return { [kind]: found }
  }
  const regex = field(field(value, "safe_regex_match"), "regex")
  return typeof regex === "string" ? { regex } : undefined
}

/** `match.query_parameters[]`: by StringMatcher, by mere presence, or by the old `value` with `regex: true`. */
export function queryMatches(match: unknown): { name: string; match?: EnvoyStringMatch }[] {
  return list(field(match, "query_parameters")).map((one) => {
    const name = text(field(one, "name"))
    const old = someText(field(one, "value"))
    const found =
      stringMatch(field(one, "string_match")) ??
      (old === undefined ? undefined : field(one, "regex") === true ? { regex: old } : { exact: old })
    return found === undefined ? { name } : { name, match: found }
  })
}
