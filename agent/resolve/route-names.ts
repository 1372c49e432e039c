import type { AppProtocol, GatewayRoute, NativeName, Route } from "#mesh/declared.ts"
import { istioGatewayRoute, istioRouter } from "#mesh/istio-names.ts"
import type { EnvoyRoute, ProxyIdentity, VirtualHost } from "#mesh/proxy.ts"
import type { RequestRow } from "#mesh/request.ts"
import { UNDECLARED, UNMATCHED } from "#mesh/resource.ts"
import { type Assigned, assignRoutes, targetNames, type UnnamedRow } from "./assignment.ts"
import type { DeclaredIndex } from "./declared-index.ts"
import type { Dialect } from "./dialects/dialect.ts"
import { matchText } from "./match-text.ts"
import { type RouteLabels, type Rows, unmatchedLabels } from "./rows.ts"
import type { HttpWay, KnownCluster, Topology } from "./topology.ts"

/** What a route of Envoy's table is called. */
export interface NamedRoute {
  readonly row: RequestRow
  readonly labels: RouteLabels
  readonly grpc: boolean
  /** The one cluster that it can lead to, where it is one; its weight-0 clusters left aside. */
  readonly cluster: string | undefined
}

/** Names of all routes of the ways of one side, and of virtual hosts whose routes took nothing. */
export interface RouteNames {
  readonly routes: ReadonlyMap<EnvoyRoute, NamedRoute>
  unmatched(host: VirtualHost | undefined): RequestRow
}

export interface NamingDeps {
  readonly dialect: Dialect
  readonly identity: ProxyIdentity
  readonly topology: Topology
  readonly declared: DeclaredIndex
  readonly rows: Rows
  /** Adds a sentence to what the user is told. */
  readonly note: (sentence: string) => void
}

/** Rows of calls that leave the proxy: virtual service, router and route. */
export function outboundNames(ways: readonly HttpWay[], deps: NamingDeps, undeclared: string): RouteNames {
  const routes = new Map<EnvoyRoute, NamedRoute>()
  for (const way of ways) {
    for (const group of byService(way, deps)) {
      const names = namesOf(group, way, deps)
      for (const [index, { route }] of group.rows.entries()) {
        const { protocol, ...rest } = names[index] ?? {}
        const labels = { virtualService: group.service, ...rest }
        routes.set(route, namedRoute(deps.rows.source(labels), labels, route, deps.topology, protocol))
      }
    }
  }
  return {
    routes,
    unmatched(host) {
      const service = host === undefined ? "" : deps.dialect.service(host, undefined)
      return deps.rows.source(unmatchedLabels(service || undeclared, false))
    },
  }
}

interface ServiceRows {
  readonly service: string
  readonly rows: UnnamedRow[]
}

/** Rows of one way by virtual service, in Envoy's order; each virtual host repeats the service's routes for itself. */
function byService(way: HttpWay, deps: NamingDeps): Iterable<ServiceRows> {
  const groups = new Map<string, ServiceRows>()
  for (const host of way.routes?.virtualHosts ?? []) {
    for (const route of host.routes) {
      const service = deps.dialect.service(host, route)
      const key = JSON.stringify([service, host.name])
      const group = groups.get(key) ?? { service, rows: [] }
      group.rows.push({ ...unnamed(host, route, deps), targets: nodesOf(route, deps.topology) })
      groups.set(key, group)
    }
  }
  return groups.values()
}

function unnamed(host: VirtualHost, route: EnvoyRoute, { dialect }: NamingDeps): Omit<UnnamedRow, "targets"> {
  const names = dialect.wireNames?.(route)
  return { host, route, ...(names === undefined ? {} : { names }) }
}

function nodesOf(route: EnvoyRoute, topology: Topology): ReadonlySet<string> {
  const nodes = new Set<string>()
  if (route.action.kind !== "route") return nodes
  for (const { name } of route.action.clusters) {
    const meaning = topology.clusters.get(name)?.meaning
    if (meaning?.kind === "node") nodes.add(meaning.node)
  }
  return nodes
}

interface RouteName {
  readonly virtualRouter?: string
  readonly route?: string
  readonly protocol?: AppProtocol
}

/** One name per row: declared, or for want of that made of the match. A service on a node has neither router nor route. */
function namesOf(group: ServiceRows, way: HttpWay, deps: NamingDeps): RouteName[] {
  if (group.service === UNDECLARED) return group.rows.map(() => ({ route: UNMATCHED }))
  const { dialect } = deps
  const told = group.rows.map(({ route }) => dialect.router?.(route))
  if (told.every((router) => router === undefined)) return namesByService(group, way, deps)
  const names: RouteName[] = told.map(() => ({}))
  for (const router of new Set(told)) {
    const places = [...told.keys()].filter((place) => told[place] === router)
    const rows = places.map((place) => group.rows[place]).filter((row) => row !== undefined)
    const found =
      router === undefined
        ? namesByService({ ...group, rows }, way, deps)
        : namesByRouter(rows, router, deps.declared.router(router)?.routes, deps)
    for (const [index, place] of places.entries()) names[place] = found[index] ?? {}
  }
  return names
}

/** Rows of the router that they tell; without one a service is as one on a node, and has neither router nor route. */
function namesByRouter(
  rows: readonly UnnamedRow[],
  router: string,
  declared: readonly Route[] | undefined,
  deps: NamingDeps,
): RouteName[] {
  if (router === "") return rows.map(() => ({}))
  if (declared === undefined && deps.declared.known)
    deps.note(`virtual router ${router} is not declared: its routes are named as Envoy names them`)
  const assigned = assignRoutes(rows, (declared ?? []).map(withTargets).flatMap(eachMatch))
  return rows.map((row, index) => {
    const found = assigned[index]
    const name = found?.declared.name ?? ownName(row)
    if (declared !== undefined) noteDoubt(deps, `router ${router}`, name, found?.by, row.route)
    const protocol = found?.declared.protocol
    return { virtualRouter: router, route: name, ...(protocol === undefined ? {} : { protocol }) }
  })
}

/** Each further match of a route is a route of its own in Envoy. */
function eachMatch<T extends Pick<Route, "match" | "otherMatches">>(route: T): T[] {
  const all = [route]
  for (const match of route.otherMatches ?? []) all.push({ ...route, match })
  return all
}

function namesByService({ service, rows }: ServiceRows, way: HttpWay, deps: NamingDeps): RouteName[] {
  const behind = deps.declared.behind(service)
  if (behind?.kind === "node") return rows.map(() => ({}))
  if (behind?.kind !== "router") {
    if (deps.declared.known && service !== "") {
      deps.note(`virtual service ${service} is not declared: its routes are named by their match`)
    }
    return rows.map((row) => ({ route: ownName(row) }))
  }
  const declared = behind.routes.filter((route) => fitsPort(route, way)).map(withTargets)
  const assigned = assignRoutes(rows, declared.flatMap(eachMatch))
  return rows.map((row, index) => {
    const found = assigned[index]
    const name = found?.declared.name ?? ownName(row)
    noteDoubt(deps, `router ${behind.router}`, name, found?.by, row.route)
    const protocol = found?.declared.protocol
    return { virtualRouter: behind.router, route: name, ...(protocol === undefined ? {} : { protocol }) }
  })
}

/** The name that the control plane gave it, else its match. */
function ownName({ route, names }: UnnamedRow): string {
  return names?.[0] || route.name || matchText(route)
}

function withTargets(route: Route): Omit<Route, "targets"> & { targets: string[] } {
  return { ...route, targets: targetNames(route.targets) }
}

/** A route for another port of the service is not in this way's table. Gateways have all ports in one. */
function fitsPort(route: Route, way: HttpWay): boolean {
  const port = way.chain.destinationPort
  return route.match.port === undefined || port === undefined || port === 15_001 || port === route.match.port
}

function noteDoubt(
  deps: NamingDeps,
  owner: string,
  name: string,
  by: "name" | "match" | "order" | undefined,
  route: EnvoyRoute,
): void {
  if (by === "order")
    deps.note(`${owner}: route ${name} is named by its place in the order (${matchText(route)})`)
  if (by === undefined) deps.note(`${owner}: no declared route has the match ${matchText(route)}`)
}

/** Rows of a gateway's ingress pass: gateway route and virtual service. */
export function gatewayNames(ways: readonly HttpWay[], deps: NamingDeps): RouteNames {
  const routes = new Map<EnvoyRoute, NamedRoute>()
  for (const way of ways) nameGateway(way, deps, routes)
  return { routes, unmatched: () => deps.rows.gateway(unmatchedLabels("", true)) }
}

function nameGateway(way: HttpWay, deps: NamingDeps, routes: Map<EnvoyRoute, NamedRoute>): void {
  const rows: UnnamedRow[] = []
  for (const host of way.routes?.virtualHosts ?? []) {
    for (const route of host.routes)
      rows.push({
        ...unnamed(host, route, deps),
        targets: new Set([deps.dialect.gatewayService(route, host)]),
      })
  }
  const known = deps.declared.gatewayRoutes(deps.identity.resource)
  const port = way.chain.destinationPort ?? way.listener.addresses[0]?.port
  const declared = (known ?? []).filter(({ match }) => match.port === undefined || match.port === port)
  if (known === undefined && deps.declared.known)
    deps.note(`gateway ${deps.identity.resource} is not declared`)
  const candidates = declared.map(withService).flatMap(eachMatch)
  const assigned = known === undefined ? [] : assignGateway(rows, candidates, deps.dialect)
  for (const [index, row] of rows.entries()) {
    const { route, host } = row
    const found = assigned[index]
    const name = found?.declared.name ?? gatewayName(row, deps.dialect)
    if (known !== undefined) noteDoubt(deps, `gateway ${deps.identity.resource}`, name, found?.by, route)
    const virtualService = deps.dialect.gatewayService(route, host) || (found?.declared.targets[0] ?? "")
    const labels = { gatewayRoute: name, virtualService }
    routes.set(
      route,
      namedRoute(deps.rows.gateway(labels), labels, route, deps.topology, found?.declared.protocol),
    )
  }
}

/** Where routes tell the object that they are of, only its own gateway routes can be theirs. */
function assignGateway<T extends GatewayRoute & { targets: string[] }>(
  rows: readonly UnnamedRow[],
  declared: readonly T[],
  dialect: Dialect,
): (Assigned<T> | undefined)[] {
  const told = rows.map(({ route }) => dialect.router?.(route))
  if (told.every((router) => router === undefined)) return assignRoutes(rows, declared)
  const found: (Assigned<T> | undefined)[] = rows.map(() => undefined)
  for (const router of new Set(told)) {
    const places = [...told.keys()].filter((place) => told[place] === router)
    const own = places.map((place) => rows[place]).filter((row) => row !== undefined)
    const theirs = declared.filter(({ native }) => router === undefined || isOf(native, router))
    for (const [index, one] of assignRoutes(own, theirs).entries()) found[places[index] ?? -1] = one
  }
  return found
}

function isOf(native: NativeName | undefined, router: string): boolean {
  return native !== undefined && istioRouter(native.name, native.namespace ?? "") === router
}

/** As a declared one would be called, where the route tells the object that it is of. */
function gatewayName(row: UnnamedRow, dialect: Dialect): string {
  const router = dialect.router?.(row.route) ?? ""
  return router === "" ? ownName(row) : istioGatewayRoute(router, ownName(row))
}

function withService(route: GatewayRoute): GatewayRoute & { targets: string[] } {
  return { ...route, targets: [route.virtualService] }
}

function namedRoute(
  row: RequestRow,
  labels: RouteLabels,
  route: EnvoyRoute,
  topology: Topology,
  protocol: AppProtocol | undefined,
): NamedRoute {
  const live = liveClusters(route)
  const grpc = protocol === "grpc" || live.some((name) => isGrpc(topology.clusters.get(name)))
  return { row, labels, grpc, cluster: live.length === 1 ? live[0] : undefined }
}

function isGrpc(cluster: KnownCluster | undefined): boolean {
  return cluster?.meaning.kind === "node" && cluster.meaning.protocol === "grpc"
}

/** Clusters that a route sends to now: those of weight 0 only where there is no other. */
export function liveClusters(route: EnvoyRoute): string[] {
  if (route.action.kind !== "route") return []
  const { clusters } = route.action
  const live = clusters.filter(({ weight }) => weight > 0)
  return (live.length > 0 ? live : clusters).map(({ name }) => name)
}
