import type { GatewayRoute, RetryPolicy, Route, WeightedTarget } from "../declared.ts"
import { matchOf, optional, protocolPart } from "./match-spec.ts"
import type { References } from "./names.ts"
import { at, invalid, isThere, listAt, portAt, type Spot, textAt, wholeAt, wordAt } from "./spot.ts"

/** A virtual router's route without its name, from the object that holds `priority` and `httpRoute` (or its siblings). */
export function routeOf(spec: Spot, references: References): Omit<Route, "name" | "native" | "labels"> {
  const { protocol, part } = protocolPart(spec)
  const targets = listAt(part, "action", "weightedTargets")
  if (targets.length === 0) throw invalid(at(part, "action", "weightedTargets"), "names no target")
  return {
    protocol,
    ...optional("priority", wholeAt(spec, 0, "priority")),
    match: matchOf(protocol, part),
    targets: targets.map((target) => targetOf(target, references)),
    ...optional("retry", retryOf(at(part, "retryPolicy"))),
    ...optional("timeoutMs", durationMs(at(part, "timeout", "perRequest"))),
    ...optional("idleTimeoutMs", durationMs(at(part, "timeout", "idle"))),
  }
}

function targetOf(target: Spot, references: References): WeightedTarget {
  return {
    virtualNode: references.virtualNode(target),
    weight: wholeAt(target, 0, "weight") ?? 0,
    ...optional("port", portAt(target, "port")),
  }
}

function retryOf(policy: Spot): RetryPolicy | undefined {
  if (!isThere(policy)) return undefined
  return {
    maxRetries: wholeAt(policy, 0, "maxRetries") ?? 0,
    ...optional("perRetryTimeoutMs", durationMs(at(policy, "perRetryTimeout"))),
    ...optional("httpRetryEvents", words(policy, "httpRetryEvents")),
    ...optional("grpcRetryEvents", words(policy, "grpcRetryEvents")),
    ...optional("tcpRetryEvents", words(policy, "tcpRetryEvents")),
  }
}

function words(policy: Spot, key: string): string[] | undefined {
  const list = listAt(policy, key)
  return list.length === 0 ? undefined : list.map((word) => textAt(word) ?? "")
}

/** App Mesh durations: `{ unit: ms | s, value }`. */
function durationMs(spot: Spot): number | undefined {
  if (!isThere(spot)) return undefined
  const value = wholeAt(spot, 0, "value")
  if (value === undefined) throw invalid(at(spot, "value"), "is missing")
  return wordAt(spot, ["ms", "s"], "unit") === "s" ? value * 1000 : value
}

/** A gateway route without its name. */
export function gatewayRouteOf(
  spec: Spot,
  references: References,
): Omit<GatewayRoute, "name" | "native" | "labels"> {
  const { protocol, part } = protocolPart(spec)
  if (protocol === "tcp") throw invalid(part, "a gateway route cannot be of TCP")
  const target = at(part, "action", "target")
  const match = matchOf(protocol, part)
  return {
    protocol,
    ...optional("priority", wholeAt(spec, 0, "priority")),
    match,
    virtualService: references.virtualService(at(target, "virtualService")),
    ...optional("targetPort", portAt(target, "port")),
    rewrite: rewriteOf(at(part, "action", "rewrite"), match.path?.prefix !== undefined),
  }
}

const SWITCH = ["ENABLED", "DISABLED"] as const

/** Hostname and prefix are rewritten unless switched off (API_HttpGatewayRouteRewrite). */
function rewriteOf(rewrite: Spot, byPrefix: boolean): GatewayRoute["rewrite"] {
  const hostname = wordAt(rewrite, SWITCH, "hostname", "defaultTargetHostname") !== "DISABLED"
  const value = textAt(rewrite, "prefix", "value")
  const kept = wordAt(rewrite, SWITCH, "prefix", "defaultPrefix") === "DISABLED"
  const prefix = byPrefix ? (value ?? (kept ? undefined : "/")) : undefined
  return { hostname, ...optional("prefix", prefix), ...optional("path", textAt(rewrite, "path", "exact")) }
}
