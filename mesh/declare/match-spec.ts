import type { AppProtocol, NamedMatch, RouteMatch, StringMatch } from "../declared.ts"
import {
  at,
  flagAt,
  invalid,
  isThere,
  listAt,
  neededText,
  portAt,
  type Spot,
  textAt,
  wholeAt,
} from "./spot.ts"

/** How a route or gateway route names its protocol: the key that holds its match and action. */
const PROTOCOL_KEYS: readonly (readonly [string, AppProtocol])[] = [
  ["httpRoute", "http"],
  ["http2Route", "http2"],
  ["grpcRoute", "grpc"],
  ["tcpRoute", "tcp"],
]

/** The one protocol part of a route: `httpRoute`, `http2Route`, `grpcRoute` or `tcpRoute`. */
export function protocolPart(route: Spot): { protocol: AppProtocol; part: Spot } {
  const found = PROTOCOL_KEYS.filter(([key]) => isThere(at(route, key)))
  const first = found[0]
  if (first === undefined) throw invalid(route, "has neither httpRoute, http2Route, grpcRoute nor tcpRoute")
  if (found.length > 1) throw invalid(route, `has more than one of ${found.map(([key]) => key).join(", ")}`)
  return { protocol: first[1], part: at(route, first[0]) }
}

/** The match of a route's protocol part; same shape in Kubernetes objects and API answers. */
export function matchOf(protocol: AppProtocol, part: Spot): RouteMatch {
  const match = at(part, "match")
  const port = portAt(match, "port")
  const base: RouteMatch = {
    ...(port === undefined ? {} : { port }),
    ...optional("hostname", stringMatch(at(match, "hostname"))),
  }
  if (protocol === "tcp") return base
  if (protocol === "grpc") return { ...base, ...grpcMatch(match) }
  return { ...base, ...httpMatch(match) }
}

function httpMatch(match: Spot): RouteMatch {
  const prefix = textAt(match, "prefix")
  const path = prefix === undefined ? stringMatch(at(match, "path")) : { prefix }
  const query = namedMatches(match, "queryParameters")
  return {
    ...optional("path", path),
    ...optional("method", textAt(match, "method")),
    ...optional("scheme", textAt(match, "scheme")),
    ...namedPart("headers", namedMatches(match, "headers")),
    ...namedPart("query", query),
  }
}

function grpcMatch(match: Spot): RouteMatch {
  const service = textAt(match, "serviceName")
  const method = textAt(match, "methodName")
  const grpc = { ...optional("service", service), ...optional("method", method) }
  return {
    ...(service === undefined && method === undefined ? {} : { grpc }),
    ...namedPart("headers", namedMatches(match, "metadata")),
  }
}

function namedPart<K extends string>(
  key: K,
  list: readonly NamedMatch[],
): { [key in K]?: readonly NamedMatch[] } {
  return optional(key, list.length === 0 ? undefined : list)
}

function namedMatches(match: Spot, key: string): NamedMatch[] {
  return listAt(match, key).map((one) => {
    const name = neededText(one, "name")
    const text = stringMatch(at(one, "match"))
    const invert = flagAt(one, "invert") ? { invert: true } : undefined
    return text === undefined && invert === undefined ? { name } : { name, match: { ...text, ...invert } }
  })
}

function stringMatch(spot: Spot): StringMatch | undefined {
  if (!isThere(spot)) return undefined
  const start = wholeAt(spot, Number.MIN_SAFE_INTEGER, "range", "start")
  const end = wholeAt(spot, Number.MIN_SAFE_INTEGER, "range", "end")
  return {
    ...optional("exact", textAt(spot, "exact")),
    ...optional("prefix", textAt(spot, "prefix")),
    ...optional("suffix", textAt(spot, "suffix")),
    ...optional("regex", textAt(spot, "regex")),
    ...(start === undefined || end === undefined ? {} : { range: { start, end } }),
  }
}

/** `{ [key]: value }`, or nothing when the value is undefined (exactOptionalPropertyTypes wants the key away). */
export function optional<K extends string, V>(key: K, value: V | undefined): { [key in K]?: V }
export function optional(key: string, value: unknown): object {
  return value === undefined ? {} : { [key]: value }
}
