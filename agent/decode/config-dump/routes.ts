import { isObject } from "#mesh/json-object.ts"
import type { EnvoyRoute, RouteConfig, VirtualHost } from "#mesh/proxy.ts"
import { deep, durationMs, field, list, number, someText, text } from "./json.ts"
import { headerMatch, queryMatches } from "./string-match.ts"
import { tagsOf } from "./tags.ts"

/** A RouteConfiguration under the name that listeners refer to. */
export function routeConfigOf(value: unknown, name: string): RouteConfig {
  const ignorePort = field(value, "ignore_port_in_host_matching") === true
  return {
    name,
    virtualHosts: list(field(value, "virtual_hosts")).map(virtualHostOf),
    ...(ignorePort ? { ignorePort } : {}),
  }
}

function virtualHostOf(value: unknown): VirtualHost {
  return {
    name: text(field(value, "name")),
    domains: list(field(value, "domains")).map(text),
    routes: list(field(value, "routes")).map(routeOf),
  }
}

function routeOf(value: unknown): EnvoyRoute {
  return {
    name: text(field(value, "name")),
    match: matchOf(field(value, "match")),
    action: actionOf(value),
    requestHeadersToAdd: list(field(value, "request_headers_to_add")).map(headerToAdd),
    tags: tagsOf(value),
  }
}

function headerToAdd(value: unknown): { name: string; value: string } {
  const header = field(value, "header")
  return { name: text(field(header, "key")).toLowerCase(), value: text(field(header, "value")) }
}

function matchOf(match: unknown): EnvoyRoute["match"] {
  return {
    ...pathOf(match),
    caseSensitive: field(match, "case_sensitive") !== false,
    headers: list(field(match, "headers")).map(headerMatch),
    query: queryMatches(match),
    grpc: isObject(field(match, "grpc")),
    fractional: isFractional(match),
  }
}

function pathOf(match: unknown): { kind: EnvoyRoute["match"]["kind"]; value: string } {
  for (const kind of ["prefix", "path", "path_separated_prefix"] as const) {
    const value = field(match, kind)
    if (typeof value === "string") return { kind, value }
  }
  const regex = field(field(match, "safe_regex"), "regex") ?? field(match, "regex")
  if (typeof regex === "string") return { kind: "regex", value: regex }
  if (isObject(field(match, "connect_matcher"))) return { kind: "connect", value: "" }
  return { kind: "other", value: "" }
}

const DENOMINATORS = new Map([
  ["TEN_THOUSAND", 10_000],
  ["MILLION", 1_000_000],
])

function isFractional(match: unknown): boolean {
  const fraction = field(match, "runtime_fraction")
  if (!isObject(fraction)) return isObject(field(match, "runtime"))
  const value = field(fraction, "default_value")
  const whole = DENOMINATORS.get(text(field(value, "denominator"))) ?? 100
  // A runtime key can lower the share at any time; the dump does not tell the key's value.
  return (
    someText(field(fraction, "runtime_key")) !== undefined || (number(field(value, "numerator")) ?? 0) < whole
  )
}

function actionOf(route: unknown): EnvoyRoute["action"] {
  const action = field(route, "route")
  if (isObject(action)) return forward(action)
  if (isObject(field(route, "redirect"))) return { kind: "redirect" }
  const direct = field(route, "direct_response")
  if (isObject(direct)) return { kind: "direct", status: number(field(direct, "status")) ?? 0 }
  return { kind: "other" }
}

function forward(action: object): EnvoyRoute["action"] {
  const clusterHeader = someText(field(action, "cluster_header"))
  const prefixRewrite = someText(field(action, "prefix_rewrite"))
  const regexRewrite = field(action, "regex_rewrite")
  const hostRewrite =
    someText(field(action, "host_rewrite_literal")) ?? someText(field(action, "host_rewrite"))
  const timeoutMs = durationMs(field(action, "timeout"))
  const retry = field(action, "retry_policy")
  return {
    kind: "route",
    clusters: clustersOf(action),
    ...(clusterHeader === undefined ? {} : { clusterHeader }),
    ...(prefixRewrite === undefined ? {} : { prefixRewrite }),
    ...(isObject(regexRewrite) ? { regexRewrite: rewriteOf(regexRewrite) } : {}),
    ...(hostRewrite === undefined ? {} : { hostRewrite }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    // Envoy retries once where a policy names no number.
    retries: isObject(retry) ? (number(field(retry, "num_retries")) ?? 1) : 0,
  }
}

function rewriteOf(value: object): { regex: string; substitution: string } {
  return { regex: text(deep(value, "pattern", "regex")), substitution: text(field(value, "substitution")) }
}

function clustersOf(action: object): { name: string; weight: number }[] {
  const single = someText(field(action, "cluster"))
  if (single !== undefined) return [{ name: single, weight: 1 }]
  return weightedClusters(field(action, "weighted_clusters"))
}

/** `weighted_clusters.clusters[]`; a weight that is not printed is 0. */
export function weightedClusters(value: unknown): { name: string; weight: number }[] {
  return list(field(value, "clusters")).map((one) => ({
    name: text(field(one, "name")),
    weight: number(field(one, "weight")) ?? 0,
  }))
}
