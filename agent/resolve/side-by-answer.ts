import { type AccessFact, Field } from "#mesh/access.ts"
import { flagBits, NO_ROUTE } from "#mesh/flags.ts"
import type { EnvoyRoute, RouteConfig } from "#mesh/proxy.ts"
import type { RouteTable } from "./route-table.ts"
import type { Side, Topology } from "./topology.ts"

/** Flags that Envoy's router sets once a route took the request, and nothing else does. */
const ROUTED = flagBits("UH,UF,UO,NC,UT,UC,UR,URX,LR,UPE,DO,UDO,UMSDR")
const CONNECT = Buffer.from("CONNECT")

export interface OutgoingTables {
  readonly tables: readonly RouteTable[]
  /** Some route replaces the host, so that a line may show another than was looked up. */
  readonly rewrites: boolean
}

/**
 * Tells the side of a request that has no upstream host by how it ended, where only one side's configuration can end it
 * so. Flags are Envoy's own words; a caller can choose its authority and method, and neither can turn the answer:
 *
 * - Only one side has connection managers: every request is that side's.
 * - `NR`, while the route table of the incoming side takes every request: it went out. (A CONNECT has no path, which is
 *   all that such a table asks for, so it is left open.)
 * - A flag of the router, with an authority that no outgoing virtual host takes: it came in, as going out there it would
 *   have been `NR`.
 */
export class SideByAnswer {
  readonly #only: Side | undefined
  readonly #inboundTakesAll: boolean
  /** Undefined where an outgoing authority cannot be looked up for certain. */
  readonly #outgoing: readonly RouteTable[] | undefined

  constructor(topology: Topology, outgoing: OutgoingTables) {
    const ways = topology.http
    const inbound = ways.filter(({ side }) => side === "inbound")
    this.#only =
      ways.length === 0 || (inbound.length > 0 && inbound.length < ways.length) ? undefined : ways[0]?.side
    this.#inboundTakesAll = inbound.length > 0 && inbound.every(({ routes }) => takesAll(routes))
    const complete = ways.every(({ side, routes }) => side === "inbound" || routes !== undefined)
    this.#outgoing = complete && !outgoing.rewrites ? outgoing.tables : undefined
  }

  /** Undefined when both sides may have ended a request so. */
  of(fact: AccessFact): Side | undefined {
    if (this.#only !== undefined) return this.#only
    const { flags, spans } = fact
    const start = spans[Field.authority * 2] ?? -1
    if (flags <= 0 || start < 0) return undefined
    if ((flags & NO_ROUTE) !== 0) return this.#inboundTakesAll && hasPath(fact) ? "outbound" : undefined
    if ((flags & ROUTED) === 0 || this.#outgoing === undefined) return undefined
    const authority = fact.bytes.toString("utf8", start, spans[Field.authority * 2 + 1])
    return this.#outgoing.some((table) => table.takesHost(authority)) ? undefined : "inbound"
  }
}

/** Each virtual host has a route that asks for nothing, and one of them takes every authority. */
function takesAll(routes: RouteConfig | undefined): boolean {
  const hosts = routes?.virtualHosts ?? []
  return (
    hosts.some(({ domains }) => domains.includes("*")) &&
    hosts.every((host) => host.routes.some((route) => asksNothing(route)))
  )
}

/** Envoy refuses paths without a slash in front before it looks for a route. */
function asksNothing({ match }: EnvoyRoute): boolean {
  const { kind, value, headers, query, grpc, fractional } = match
  const anyPath = kind === "prefix" && (value === "/" || value === "")
  return anyPath && headers.length === 0 && query.length === 0 && !grpc && !fractional
}

/** The line tells a method, and it is not the one whose requests may have no path. */
function hasPath({ bytes, spans }: AccessFact): boolean {
  const start = spans[Field.method * 2] ?? -1
  const end = spans[Field.method * 2 + 1] ?? start
  return start >= 0 && CONNECT.compare(bytes, start, end) !== 0
}
