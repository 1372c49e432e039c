import type { GatewayRoute, Route, RouteMatch, StringMatch } from "../../declared.ts"
import { optional } from "../match-spec.ts"

/** What stands for all sidecars where gateways are named. */
export const MESH_GATEWAY = "mesh"

/** One match block, and where it holds. */
export interface BoundMatch {
  readonly match: RouteMatch
  /** The name that Envoy's route of it bears; may be empty. */
  readonly wireName: string
  /** Gateways as `namespace/name`, or `mesh`; absent: those of the object. */
  readonly gateways?: ReadonlySet<string>
}

/** A route of a VirtualService or HTTPRoute, before it is known where it holds. */
export interface ReadRoute {
  readonly route: Omit<Route, "match">
  readonly matches: readonly BoundMatch[]
  readonly rewrite: GatewayRoute["rewrite"]
}

/** One object with routes. */
export interface Routing {
  /** Whole names. */
  readonly hosts: readonly string[]
  /** As `namespace/name`, or `mesh`. */
  readonly gateways: ReadonlySet<string>
  readonly routes: readonly ReadRoute[]
}

/** More match blocks than anybody writes; hosts multiply them on a gateway. */
const MOST_MATCHES = 64

type Matched = Pick<Route, "match" | "otherMatches" | "wireNames">

/** The matches of a route that hold at a gateway or in the mesh; undefined where none does. */
export function matchedAt(
  { matches }: Pick<ReadRoute, "matches">,
  gateway: string,
  { gateways }: Pick<Routing, "gateways">,
  hosts: readonly string[],
): Matched | undefined {
  const found = matches.filter((one) => (one.gateways ?? gateways).has(gateway))
  const names = [...new Set(found.map(({ wireName }) => wireName).filter((name) => name !== ""))]
  const all = found.slice(0, MOST_MATCHES).flatMap(({ match }) => atHosts(match, hosts))
  const [match, ...others] = all.slice(0, MOST_MATCHES)
  if (match === undefined) return undefined
  return {
    match,
    ...optional("otherMatches", others.length === 0 ? undefined : others),
    ...optional("wireNames", names.length === 0 ? undefined : names.slice(0, MOST_MATCHES)),
  }
}

/** `*.shop.test` is every host below. */
export function hostMatch(host: string): StringMatch {
  return host.startsWith("*") ? { suffix: host.slice(1) } : { exact: host }
}

/** `*` is any host; a match that asks for a host itself keeps it. */
function atHosts(match: RouteMatch, hosts: readonly string[]): RouteMatch[] {
  if (match.hostname !== undefined || hosts.length === 0 || hosts.includes("*")) return [match]
  return hosts.slice(0, MOST_MATCHES).map((host) => Object.assign({}, match, { hostname: hostMatch(host) }))
}
