import { createHash } from "node:crypto"
import { AMBIGUOUS, AWS, type Reporter, SHARED, UNDECLARED, UNKNOWN, UNMATCHED } from "#mesh/resource.ts"
import type { RouteKey, RouteRow, Synthetic } from "./route-row.ts"

/** What makes two facts the same row. A gateway's service is what its route leads to, not part of its name. */
export function routeText(key: RouteKey, reporter: Reporter): string {
  const own =
    reporter === "gateway"
      ? ["gateway", key.virtualGateway, key.gatewayRoute]
      : ["source", key.virtualService, key.virtualRouter, key.route]
  return [key.mesh, key.flavor, ...own].join("\u0000")
}

/** The row's key without what belongs to the caller: at a source, the gateway is who calls. */
export function ownKey(key: RouteKey, reporter: Reporter): RouteKey {
  return reporter === "gateway"
    ? { ...key, virtualRouter: "", route: "" }
    : { ...key, virtualGateway: "", gatewayRoute: "" }
}

export function kindOf(key: RouteKey): RouteRow["kind"] {
  if (key.gatewayRoute !== "" || key.virtualGateway !== "") return "gateway_route"
  return key.route === "" && key.virtualRouter === "" ? "service" : "route"
}

const LETTERS = { gateway_route: "g", route: "r", service: "s" } as const

/** 15 letters of a digest: short, safe in an address, the same after a restart. */
export function routeId(key: RouteKey, reporter: Reporter): string {
  const digest = createHash("sha256").update(routeText(key, reporter)).digest("base64url")
  return `${LETTERS[kindOf(key)]}-${digest.slice(0, 15)}`
}

export function nameOf(key: RouteKey): string {
  const kind = kindOf(key)
  if (kind === "gateway_route") return key.gatewayRoute
  return kind === "service" ? key.virtualService : key.route
}

const WORDS: readonly (readonly [string, Synthetic, string])[] = [
  [UNDECLARED, "undeclared", "Calls to hosts that the mesh declares no backend for."],
  [
    AMBIGUOUS,
    "ambiguous",
    "Routes differ only by what the access log lacks, so the route cannot be decided.",
  ],
  [UNMATCHED, "unmatched", "No declared route takes these requests; Envoy answered them itself."],
  [SHARED, "shared", "Counted from stats: more than one route leads to the same cluster."],
]

/** Of names that only TCP has, or that say something else of it. */
const TCP_WORDS: ReadonlyMap<string, string> = new Map([
  [UNDECLARED, "Connections to hosts that the mesh declares no backend for; under DROP_ALL Envoy cuts them."],
  [AWS, "Connections to AWS's own hosts, which no node has to declare."],
  [UNKNOWN, "Connections of which nothing tells by which service they were made."],
])

/** Whether a name stands where no resource can be named. */
export function isBracketed(name: string): boolean {
  return name.startsWith("(")
}

/** Why a row is not one declared route, with the sentence that says so. */
export function syntheticOf(
  key: RouteKey,
  of: "requests" | "connections",
): { synthetic: Synthetic; why: string } | undefined {
  const names = [key.virtualService, key.gatewayRoute, key.route]
  const connections = of === "connections" ? TCP_WORDS.get(key.virtualService) : undefined
  if (connections !== undefined) return { synthetic: "undeclared", why: connections }
  for (const [name, synthetic, why] of WORDS) if (names.includes(name)) return { synthetic, why }
  // Whatever else stands in brackets is no resource's name either.
  return names.some(isBracketed) ? { synthetic: "undeclared", why: WORDS[0]?.[2] ?? "" } : undefined
}
