import type {
  Cluster,
  FilterChain,
  HttpFilter,
  Listener,
  ProxyConfig,
  ProxyIdentity,
  RouteConfig,
  TcpFilter,
} from "#mesh/proxy.ts"
import type { ClusterMeaning, Dialect } from "./dialects/dialect.ts"

export type Side = "inbound" | "outbound"

/** One way through the proxy: a filter chain that ends in a connection manager. */
export interface HttpWay {
  /** All ways of a gateway whose routes lead to nodes at once are its ingress. */
  readonly side: Side
  readonly listener: Listener
  readonly chain: FilterChain
  readonly filter: HttpFilter
  /** Undefined when the dump holds no such configuration (yet). */
  readonly routes: RouteConfig | undefined
}

/** A filter chain that ends in a TCP proxy. */
export interface TcpWay {
  readonly side: Side
  readonly listener: Listener
  readonly chain: FilterChain
  readonly filter: TcpFilter
}

export interface KnownCluster {
  readonly cluster: Cluster
  readonly meaning: ClusterMeaning
  /** By name, else by the listeners that lead to it; undefined when those are of both sides or none. */
  readonly side: Side | undefined
}

/** A proxy's configuration as ways and clusters, each side named. */
export interface Topology {
  readonly http: readonly HttpWay[]
  readonly tcp: readonly TcpWay[]
  /** It is a gateway whose requests meet one route table alone, and go to a node from there. */
  readonly onePass: boolean
  readonly clusters: ReadonlyMap<string, KnownCluster>
}

export function topologyOf(config: ProxyConfig, dialect: Dialect, identity: ProxyIdentity): Topology {
  const meanings = new Map(
    config.clusters.map((cluster) => [cluster.name, dialect.cluster(cluster, identity)]),
  )
  const routes = new Map<string, RouteConfig>()
  for (const one of config.routeConfigs) if (!routes.has(one.name)) routes.set(one.name, one)
  const onePass = identity.role === "gateway" && dialect.onePass === true
  const isOurs = (names: readonly string[]): boolean =>
    names.length === 0 || names.some((name) => meanings.get(name)?.kind !== "infrastructure")
  const http: HttpWay[] = []
  const tcp: TcpWay[] = []
  for (const listener of config.listeners) {
    for (const chain of listener.chains) {
      const { filter } = chain
      const way = { listener, chain }
      if (filter.kind === "http") {
        const own = routes.get(filter.routeConfig)
        const names = clustersOf(own)
        // Istio's and Envoy Gateway's own listeners for scrapers and probes: no request of the mesh.
        if (!isOurs(names)) continue
        const side = onePass ? "inbound" : sideOf(dialect, listener, names, meanings)
        http.push({ ...way, filter, routes: own, side })
      } else if (filter.kind === "tcp") {
        const names = filter.clusters.map(({ name }) => name)
        if (!isOurs(names)) continue
        tcp.push({ ...way, filter, side: sideOf(dialect, listener, names, meanings) })
      }
    }
  }
  return { http, tcp, onePass, clusters: clustersBySide(config, meanings, http, tcp, onePass) }
}

/** Names of all clusters that a route configuration may send to. */
function clustersOf(routes: RouteConfig | undefined): string[] {
  const names: string[] = []
  for (const host of routes?.virtualHosts ?? []) {
    for (const { action } of host.routes) {
      if (action.kind === "route") for (const { name } of action.clusters) names.push(name)
    }
  }
  return names
}

/** Where the listener does not tell its direction, its clusters' names may. */
function sideOf(
  dialect: Dialect,
  listener: Listener,
  clusters: readonly string[],
  meanings: ReadonlyMap<string, ClusterMeaning>,
): Side {
  const told = dialect.direction(listener)
  if (told !== "unspecified") return told
  const inward = clusters.some((name) => {
    const meaning = meanings.get(name)
    return meaning?.kind === "self_redirect" || (meaning?.kind === "node" && meaning.direction === "inbound")
  })
  return inward ? "inbound" : "outbound"
}

function clustersBySide(
  config: ProxyConfig,
  meanings: ReadonlyMap<string, ClusterMeaning>,
  http: readonly HttpWay[],
  tcp: readonly TcpWay[],
  onePass: boolean,
): Map<string, KnownCluster> {
  const sides = new Map<string, Set<Side>>()
  const note = (name: string, side: Side): void => {
    const known = sides.get(name)
    if (known === undefined) sides.set(name, new Set([side]))
    else known.add(side)
  }
  for (const way of http)
    for (const name of clustersOf(way.routes)) note(name, onePass ? "outbound" : way.side)
  for (const way of tcp) for (const { name } of way.filter.clusters) note(name, way.side)
  const clusters = new Map<string, KnownCluster>()
  for (const cluster of config.clusters) {
    const meaning = meanings.get(cluster.name) ?? { kind: "infrastructure" }
    clusters.set(cluster.name, { cluster, meaning, side: clusterSide(meaning, sides.get(cluster.name)) })
  }
  return clusters
}

function clusterSide(meaning: ClusterMeaning, seen: ReadonlySet<Side> | undefined): Side | undefined {
  if (meaning.kind === "self_redirect") return "inbound"
  if (meaning.kind === "node" && meaning.direction !== undefined) return meaning.direction
  const [only] = seen ?? []
  if (seen?.size === 1) return only
  const past = meaning.kind === "aws" || meaning.kind === "undeclared"
  return past && seen === undefined ? "outbound" : undefined
}
