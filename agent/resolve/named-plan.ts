import type { ProxyIdentity } from "#mesh/proxy.ts"
import type { HttpPlan, Interner } from "#mesh/request.ts"
import { AWS, UNDECLARED, UNKNOWN } from "#mesh/resource.ts"
import { EXTENSION_OWN, EXTENSION_TARGET } from "#mesh/stats.ts"
import type { Dialect } from "./dialects/dialect.ts"
import type { Provenances } from "./provenance.ts"
import type { Rows } from "./rows.ts"
import type { KnownCluster, Topology } from "./topology.ts"

export interface NamedPlanDeps {
  readonly identity: ProxyIdentity
  readonly dialect: Dialect
  readonly topology: Topology
  readonly interner: Interner
  readonly rows: Rows
  readonly provenances: Provenances
}

/**
 * Requests by stats where nobody can read the configuration. The dialect says which connection managers belong to which
 * side, and a cluster's name says the node; which route led there no name tells. Nothing where the dialect cannot say.
 */
export function namedPlans({ dialect, ...deps }: NamedPlanDeps): HttpPlan[] {
  const { inbound, outbound } = dialect.prefixes ?? {}
  const { role } = deps.identity
  const plans: HttpPlan[] = []
  // A gateway's egress clusters are told once, for what comes in: its second pass is no request of its own.
  if (inbound !== undefined)
    plans.push(role === "gateway" ? gatewayPlan(deps, inbound) : inboundPlan(deps, inbound))
  if (outbound !== undefined && role !== "gateway") plans.push(outboundPlan(deps, outbound))
  return plans
}

type Deps = Omit<NamedPlanDeps, "dialect">

function inboundPlan(
  { topology, rows, interner, identity, provenances }: Deps,
  statPrefix: string,
): HttpPlan {
  const own = interner.target(identity.resource)
  const row = rows.destination
  const clusters = nodesOf(topology, "inbound", statPrefix).map(({ cluster, protocol }) => ({
    statName: cluster.statName,
    row,
    target: own,
    protocol,
  }))
  return {
    statPrefix,
    reporter: "destination",
    provenance: provenances.http.inbound,
    unmatched: row,
    unmatchedTarget: own,
    clusters,
  }
}

function outboundPlan({ topology, rows, interner, provenances }: Deps, statPrefix: string): HttpPlan {
  const clusters = nodesOf(topology, "outbound", statPrefix).map(({ cluster, node, service, protocol }) => ({
    statName: cluster.statName,
    row: rows.source({ virtualService: service, route: UNKNOWN }),
    target: interner.target(node),
    protocol,
  }))
  return {
    statPrefix,
    reporter: "source",
    provenance: provenances.http.outbound,
    unmatched: rows.source({ virtualService: UNKNOWN, route: UNKNOWN }),
    unmatchedTarget: interner.target(""),
    clusters,
  }
}

function gatewayPlan({ topology, rows, interner, provenances }: Deps, statPrefix: string): HttpPlan {
  const row = rows.gateway({ gatewayRoute: UNKNOWN, virtualService: UNKNOWN })
  const target = interner.target("")
  const clusters = nodesOf(topology, "outbound", statPrefix).map(({ cluster, protocol }) => ({
    statName: cluster.statName,
    row,
    target,
    protocol,
  }))
  return {
    statPrefix,
    reporter: "gateway",
    provenance: provenances.http.inbound,
    unmatched: row,
    unmatchedTarget: target,
    clusters,
  }
}

interface NamedCluster extends Pick<KnownCluster, "cluster"> {
  readonly node: string
  readonly service: string
  /** Index into `PROTOCOLS`. */
  readonly protocol: number
}

/** Clusters that stand for nodes, and those of hosts that the mesh does not know: these are answered for as well. */
function nodesOf({ clusters }: Topology, side: "inbound" | "outbound", statPrefix: string): NamedCluster[] {
  const extended = statPrefix === EXTENSION_TARGET || statPrefix === EXTENSION_OWN
  return [...clusters.values()].flatMap(({ cluster, meaning, side: own }): NamedCluster[] => {
    if (own !== side) return []
    // Envoy's own clusters would tell the same requests once more.
    if (extended && !cluster.name.startsWith(side === "inbound" ? EXTENSION_OWN : EXTENSION_TARGET)) return []
    if (meaning.kind === "undeclared" || meaning.kind === "aws") {
      const name = meaning.kind === "aws" ? AWS : UNDECLARED
      return [{ cluster, node: name, service: name, protocol: 0 }]
    }
    if (meaning.kind !== "node" || meaning.protocol === "tcp") return []
    const { node, service = UNKNOWN, protocol } = meaning
    return [{ cluster, node, service, protocol: protocol === "grpc" ? 2 : protocol === "http2" ? 1 : 0 }]
  })
}
