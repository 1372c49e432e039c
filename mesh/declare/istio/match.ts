import type { NamedMatch, RouteMatch, StringMatch } from "../../declared.ts"
import { optional } from "../match-spec.ts"
import { at, invalid, isThere, listAt, neededText, portAt, type Spot, textAt, wordAt } from "../spot.ts"

/** The match block of a VirtualService's HTTP route. What depends on who asks (`sourceLabels`) is not told by a line. */
export function istioMatch(spot: Spot): RouteMatch {
  const method = stringAt(at(spot, "method"))
  const headers = [
    ...methodHeader(method),
    ...namedAt(at(spot, "headers")),
    ...namedAt(at(spot, "withoutHeaders")).map(inverted),
  ]
  const query = namedAt(at(spot, "queryParams"))
  return {
    ...optional("path", stringAt(at(spot, "uri"))),
    ...optional("method", method?.exact),
    ...optional("scheme", stringAt(at(spot, "scheme"))?.exact),
    ...optional("headers", headers.length === 0 ? undefined : headers),
    ...optional("query", query.length === 0 ? undefined : query),
    ...optional("hostname", stringAt(at(spot, "authority"))),
    ...optional("port", portAt(spot, "port")),
  }
}

/** A method by prefix or pattern is a match of Envoy's `:method`. */
function methodHeader(method: StringMatch | undefined): NamedMatch[] {
  return method === undefined || method.exact !== undefined ? [] : [{ name: ":method", match: method }]
}

function inverted({ name, match }: NamedMatch): NamedMatch {
  return { name, match: { ...match, invert: true } }
}

/** Istio's `StringMatch`: one of exact, prefix and regex; an empty one asks only for presence. */
function stringAt(spot: Spot): StringMatch | undefined {
  if (!isThere(spot)) return undefined
  const found = {
    ...optional("exact", textAt(spot, "exact")),
    ...optional("prefix", textAt(spot, "prefix")),
    ...optional("regex", textAt(spot, "regex")),
  }
  return Object.keys(found).length === 0 ? undefined : found
}

/** A map from names to matches. */
function namedAt(spot: Spot): NamedMatch[] {
  if (!isThere(spot)) return []
  if (typeof spot.value !== "object" || spot.value === null || Array.isArray(spot.value))
    throw invalid(spot, "must be an object")
  return Object.keys(spot.value).map((name) => {
    const match = stringAt(at(spot, name))
    return match === undefined ? { name } : { name, match }
  })
}

const PATHS = ["Exact", "PathPrefix", "RegularExpression"] as const
const TEXTS = ["Exact", "RegularExpression"] as const

/** One match of an HTTPRoute's rule. */
export function ruleMatch(spot: Spot): RouteMatch {
  const headers = listAt(spot, "headers").map(ruleText)
  const query = listAt(spot, "queryParams").map(ruleText)
  return {
    ...optional("path", rulePath(at(spot, "path"))),
    ...optional("method", textAt(spot, "method")),
    ...optional("headers", headers.length === 0 ? undefined : headers),
    ...optional("query", query.length === 0 ? undefined : query),
  }
}

function rulePath(spot: Spot): StringMatch | undefined {
  if (!isThere(spot)) return undefined
  const value = textAt(spot, "value") ?? "/"
  const type = wordAt(spot, PATHS, "type") ?? "PathPrefix"
  if (type === "Exact") return { exact: value }
  return type === "PathPrefix" ? { prefix: value } : { regex: value }
}

function ruleText(spot: Spot): NamedMatch {
  const value = textAt(spot, "value") ?? ""
  const type = wordAt(spot, TEXTS, "type") ?? "Exact"
  return { name: neededText(spot, "name"), match: type === "Exact" ? { exact: value } : { regex: value } }
}
