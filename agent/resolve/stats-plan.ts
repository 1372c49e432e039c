import type { EnvoyRoute } from "#mesh/proxy.ts"
import type { ClusterPlan, HttpPlan, RequestRow, StatsPlan, TcpPlan } from "#mesh/request.ts"
import { SHARED, UNKNOWN } from "#mesh/resource.ts"
import { type ListenerPlanDeps, listenerPlans } from "./chainless.ts"
import { namedPlans } from "./named-plan.ts"
import { targetName } from "./reach.ts"
import { liveClusters, type NamedRoute } from "./route-names.ts"
import { type RouteLabels, unmatchedLabels } from "./rows.ts"
import type { KnownCluster, Side, Topology } from "./topology.ts"

export interface PlanDeps extends ListenerPlanDeps {
  readonly topology: Topology
  readonly outbound: ReadonlyMap<EnvoyRoute, NamedRoute>
  /** Names of a gateway's ingress routes; empty at a sidecar. */
  readonly gateway: ReadonlyMap<EnvoyRoute, NamedRoute>
  readonly tcp: ReadonlyMap<string, RequestRow>
  /** The configuration is made of names on a page of stats. */
  readonly named: boolean
}

type HttpCluster = HttpPlan["clusters"][number]

/** How the proxy's counters become requests where no log tells them, and gauges in any case. */
export function statsPlan(deps: PlanDeps): StatsPlan {
  return {
    http: deps.named ? namedPlans(deps) : httpPlans(deps),
    tcp: tcpPlans(deps),
    listeners: listenerPlans(deps),
    clusters: clusterPlans(deps),
  }
}

/** One plan per stat prefix: several ports of a side may share it (App Mesh: `egress`). */
function httpPlans(deps: PlanDeps): HttpPlan[] {
  const sides = new Map<string, Side>()
  for (const { filter, side } of deps.topology.http)
    if (!sides.has(filter.statPrefix)) sides.set(filter.statPrefix, side)
  return [...sides].map(([statPrefix, side]) => {
    const routes = routesUnder(deps, statPrefix, side)
    if (side === "outbound") return outboundPlan(deps, statPrefix, routes)
    if (deps.topology.onePass) return onePassPlan(deps, statPrefix, routes)
    return deps.identity.role === "gateway"
      ? gatewayPlan(deps, statPrefix, routes)
      : inboundPlan(deps, statPrefix, routes)
  })
}

function routesUnder(deps: PlanDeps, statPrefix: string, side: Side): EnvoyRoute[] {
  const ways = deps.topology.http.filter((way) => way.filter.statPrefix === statPrefix && way.side === side)
  return ways.flatMap((way) => way.routes?.virtualHosts.flatMap((host) => host.routes) ?? [])
}

function inboundPlan(deps: PlanDeps, statPrefix: string, routes: readonly EnvoyRoute[]): HttpPlan {
  const own = deps.interner.target(deps.identity.resource)
  const names = new Set(routes.flatMap(liveClusters))
  const clusters: HttpCluster[] = []
  for (const name of names) {
    const known = deps.topology.clusters.get(name)
    if (known === undefined) continue
    const protocol = protocolOf(known, false)
    clusters.push({ statName: known.cluster.statName, row: deps.rows.destination, target: own, protocol })
  }
  return {
    statPrefix,
    reporter: "destination",
    provenance: deps.provenances.http.inbound,
    unmatched: deps.rows.destination,
    unmatchedTarget: own,
    clusters,
  }
}

/** A cluster that several managers lead to has one row, made of all their routes: its counters do not tell them apart. */
function outboundPlan(deps: PlanDeps, statPrefix: string, routes: readonly EnvoyRoute[]): HttpPlan {
  const own = new Set(routes.flatMap(liveClusters))
  const leading = leadingTo([...deps.outbound.keys()], deps.outbound)
  return {
    statPrefix,
    reporter: "source",
    provenance: deps.provenances.http.outbound,
    unmatched: deps.rows.source(unmatchedLabels(UNKNOWN, false)),
    unmatchedTarget: deps.interner.target(""),
    clusters: [...leading].flatMap(([name, named]) => {
      if (!own.has(name)) return []
      const row = deps.rows.source(sharedLabels(named.map(({ labels }) => labels)))
      return httpCluster(deps, name, row, named)
    }),
  }
}

/** The ingress of a gateway whose routes lead to nodes. */
function onePassPlan(deps: PlanDeps, statPrefix: string, routes: readonly EnvoyRoute[]): HttpPlan {
  const own = new Set(routes.flatMap(liveClusters))
  const leading = leadingTo([...deps.gateway.keys()], deps.gateway)
  return {
    statPrefix,
    reporter: "gateway",
    provenance: deps.provenances.http.inbound,
    unmatched: deps.rows.gateway(unmatchedLabels("", true)),
    unmatchedTarget: deps.interner.target(""),
    clusters: [...leading].flatMap(([name, named]) => {
      if (!own.has(name)) return []
      const row = deps.rows.gateway(sharedLabels(named.map(({ labels }) => labels)))
      return httpCluster(deps, name, row, named)
    }),
  }
}

/**
 * A gateway's ingress requests all go to the one self-redirect cluster; the egress clusters behind it tell more. A
 * gateway route leads to an egress cluster through its virtual service. So an egress cluster that one gateway route
 * alone can lead to gives that route's numbers, and the ingress pass is their sum plus what the gateway answered itself.
 */
function gatewayPlan(deps: PlanDeps, statPrefix: string, routes: readonly EnvoyRoute[]): HttpPlan {
  const byService = new Map<string, NamedRoute[]>()
  for (const route of routes) {
    const named = deps.gateway.get(route)
    if (named === undefined) continue
    const service = named.labels.virtualService ?? ""
    byService.set(service, [...(byService.get(service) ?? []), named])
  }
  const outbound = deps.topology.http.filter((way) => way.side === "outbound")
  const egress = outbound.flatMap((way) => way.routes?.virtualHosts.flatMap((host) => host.routes) ?? [])
  const clusters: HttpCluster[] = []
  for (const [name, named] of leadingTo(egress, deps.outbound)) {
    const services = new Set(named.map(({ labels }) => labels.virtualService ?? ""))
    const through = [...services].flatMap((service) => byService.get(service) ?? [])
    const labels =
      through.length > 0 ? sharedLabels(through.map((one) => one.labels)) : { gatewayRoute: SHARED }
    clusters.push(...httpCluster(deps, name, deps.rows.gateway(labels), named))
  }
  return {
    statPrefix,
    reporter: "gateway",
    provenance: deps.provenances.http.inbound,
    unmatched: deps.rows.gateway(unmatchedLabels("", true)),
    unmatchedTarget: deps.interner.target(""),
    clusters,
  }
}

/** Clusters with the routes that lead to them now. */
function leadingTo(
  routes: readonly EnvoyRoute[],
  names: ReadonlyMap<EnvoyRoute, NamedRoute>,
): Map<string, NamedRoute[]> {
  const leading = new Map<string, NamedRoute[]>()
  for (const route of routes) {
    const named = names.get(route)
    if (named === undefined) continue
    for (const name of liveClusters(route)) leading.set(name, [...(leading.get(name) ?? []), named])
  }
  return leading
}

function httpCluster(
  deps: PlanDeps,
  name: string,
  row: RequestRow,
  routes: readonly NamedRoute[],
): HttpCluster[] {
  const known = deps.topology.clusters.get(name)
  if (known === undefined || known.meaning.kind === "self_redirect") return []
  // A gateway's ingress pass has no node in its key: lines of that pass cannot tell it either.
  const nodeless = row.reporter === "gateway" && !deps.topology.onePass
  const target = nodeless ? "" : (targetName(known) ?? UNKNOWN)
  const grpc = routes.length > 0 && routes.every((route) => route.grpc)
  const protocol = protocolOf(known, grpc)
  return [{ statName: known.cluster.statName, row, target: deps.interner.target(target), protocol }]
}

/** The labels of one route; of several, what they have in common. A router that differs says nothing and is left out. */
function sharedLabels(all: readonly RouteLabels[]): RouteLabels {
  const pick = (key: keyof RouteLabels, differing: string): string => {
    const values = new Set(all.map((labels) => labels[key] ?? ""))
    const [only] = values
    return values.size === 1 ? (only ?? "") : differing
  }
  return {
    gatewayRoute: pick("gatewayRoute", SHARED),
    virtualService: pick("virtualService", SHARED),
    virtualRouter: pick("virtualRouter", ""),
    route: pick("route", SHARED),
  }
}

function protocolOf({ meaning }: KnownCluster, grpc: boolean): number {
  const protocol = meaning.kind === "node" ? meaning.protocol : undefined
  if (grpc || protocol === "grpc") return 2
  return protocol === "http2" ? 1 : 0
}

function tcpPlans(deps: PlanDeps): TcpPlan[] {
  const prefixes = new Map<string, Map<string, TcpPlan["clusters"][number]>>()
  const sides = new Map<string, Set<Side>>()
  for (const { filter, side } of deps.topology.tcp) {
    const clusters = prefixes.get(filter.statPrefix) ?? new Map()
    prefixes.set(filter.statPrefix, clusters)
    sides.set(filter.statPrefix, (sides.get(filter.statPrefix) ?? new Set()).add(side))
    for (const { name } of filter.clusters) {
      const cluster = tcpCluster(deps, name, side)
      if (cluster !== undefined) clusters.set(name, cluster)
    }
  }
  return [...prefixes].map(([statPrefix, clusters]) => {
    const own = [...(sides.get(statPrefix) ?? [])]
    const inbound = own.every((side) => side === "inbound")
    return {
      statPrefix,
      provenance: own.every((side) => deps.provenances.tcp[side] === "log") ? "log" : "stats",
      unmatched: inbound ? deps.rows.destination : deps.rows.source({ virtualService: UNKNOWN }),
      clusters: [...clusters.values()],
    }
  })
}

function tcpCluster(deps: PlanDeps, name: string, side: Side): TcpPlan["clusters"][number] | undefined {
  const known = deps.topology.clusters.get(name)
  if (known === undefined) return undefined
  const { statName } = known.cluster
  if (side === "inbound") {
    return { statName, row: deps.rows.destination, target: deps.interner.target(deps.identity.resource) }
  }
  const row = deps.tcp.get(name) ?? deps.rows.source({ virtualService: UNKNOWN })
  return { statName, row, target: deps.interner.target(targetName(known) ?? UNKNOWN) }
}

function clusterPlans(deps: PlanDeps): ClusterPlan[] {
  const plans: ClusterPlan[] = []
  for (const { cluster, meaning, side } of deps.topology.clusters.values()) {
    if (meaning.kind !== "node" || side === undefined) continue
    const target = deps.interner.target(side === "inbound" ? deps.identity.resource : meaning.node)
    const { name, statName, circuitBreakers } = cluster
    plans.push({ name, statName, target, direction: side, circuitBreakers })
  }
  return plans
}
