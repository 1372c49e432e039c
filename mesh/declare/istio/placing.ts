import type { VirtualRouter, VirtualService } from "../../declared.ts"
import { istioGatewayRoute, istioRouter } from "../../istio-names.ts"
import type { KubeObject } from "../kube-objects.ts"
import { optional } from "../match-spec.ts"
import { at, invalid, type Spot, sentenceAt } from "../spot.ts"
import type { GatewayInMaking } from "./gateways.ts"
import type { KnownHost } from "./hosts.ts"
import { MESH_GATEWAY, matchedAt, type Routing } from "./read-route.ts"
import type { RouteDeps } from "./virtual-services.ts"

/** A mesh while objects are joined to it. */
export interface MeshInMaking {
  readonly deps: RouteDeps
  readonly routers: Map<string, VirtualRouter>
  readonly services: Map<string, VirtualService>
}

/** An object with routes and where they hold. */
export interface PlacedRouting {
  readonly object: KubeObject
  readonly routing: Routing
  /** Hosts that it answers to on gateways; none: every host. */
  readonly gatewayHosts: readonly string[]
  /** Those that it can be bound to. */
  readonly gateways: ReadonlyMap<string, GatewayInMaking>
  /** Whether its routes hold for sidecars, where a route says nothing else. */
  readonly inMesh: boolean
}

/** What holds in the mesh is a virtual router behind its hosts; what holds on a gateway are gateway routes there. */
export function placeRoutes(making: MeshInMaking, placed: PlacedRouting): void {
  const { object, routing, gateways, inMesh } = placed
  const named = namedGateways(routing)
  if (inMesh || named.has(MESH_GATEWAY)) addRouter(making, object, routing)
  for (const name of named) {
    const gateway = gateways.get(name)
    if (gateway !== undefined) addGatewayRoutes(making, placed, name, gateway)
    else if (name !== MESH_GATEWAY) noteGateway(making, object, name)
  }
}

/** Those of the object and of its single matches. */
function namedGateways({ gateways, routes }: Routing): ReadonlySet<string> {
  const names = new Set(gateways)
  for (const { matches } of routes)
    for (const { gateways: own } of matches) for (const name of own ?? []) names.add(name)
  return names
}

function noteGateway({ deps: { objects } }: MeshInMaking, object: KubeObject, name: string): void {
  const [namespace = "", own = ""] = name.split("/")
  // A Gateway that was passed over has its own note.
  const passed = objects.find("api/Gateway", namespace, own) ?? objects.find("istio/Gateway", namespace, own)
  if (passed !== undefined) return
  const what = `no Gateway ${name} is declared: its routes there are left out`
  objects.reading.notes.add(sentenceAt(object.object, what))
}

function addRouter(making: MeshInMaking, object: KubeObject, routing: Routing): void {
  const name = istioRouter(object.name, object.namespace)
  if (making.routers.has(name))
    throw invalid(object.object, `another object makes the virtual router ${name}`)
  const routes = routing.routes.flatMap(({ route, ...read }) => {
    const matched = matchedAt(read, MESH_GATEWAY, routing, [])
    return matched === undefined ? [] : [Object.assign({}, route, matched)]
  })
  making.routers.set(name, { name, ...nativeOf(object), listeners: [], routes })
  for (const host of routing.hosts) addRouted(making, object, host, name)
}

function addRouted({ deps, services }: MeshInMaking, object: KubeObject, host: string, router: string): void {
  const before = services.get(host)
  if (before?.provider.kind === "virtual_router") {
    const what = `${host} has the routes of ${before.provider.name} already`
    deps.objects.reading.notes.add(sentenceAt(at(object.spec, "hosts"), what))
    return
  }
  services.set(host, {
    name: host,
    ...(hostPart(deps, host) ?? nativeOf(object)),
    provider: { kind: "virtual_router", name: router },
  })
}

function hostPart({ hosts }: RouteDeps, host: string): Pick<VirtualService, "native" | "labels"> | undefined {
  const known = hosts.get(host)
  return known && { native: known.native, ...optional("labels", known.labels) }
}

function nativeOf({
  nativeKind: kind,
  name,
  namespace,
  labels,
}: KubeObject): Pick<VirtualService, "native" | "labels"> {
  return { native: { kind, name, namespace }, ...optional("labels", labels) }
}

/** An HTTPRoute without host names answers to every host. */
const ANY_HOST = "*"

function addGatewayRoutes(
  making: MeshInMaking,
  { object, routing, gatewayHosts }: PlacedRouting,
  name: string,
  gateway: GatewayInMaking,
): void {
  const hosts = gatewayHosts.length === 0 ? [ANY_HOST] : gatewayHosts
  const router = istioRouter(object.name, object.namespace)
  for (const read of routing.routes) {
    const matched = matchedAt(read, name, routing, hosts)
    if (matched === undefined) continue
    const { name: route, protocol, objective } = read.route
    gateway.routes.push({
      name: istioGatewayRoute(router, route),
      ...nativeOf(object),
      protocol,
      ...matched,
      virtualService: hosts[0] ?? ANY_HOST,
      rewrite: read.rewrite,
      ...optional("objective", objective),
    })
  }
  for (const host of hosts) addAtGateway(making, object, routing, host)
}

/** A host that only gateways know: with one node behind it, that one; with more, none of our kinds can say so. */
function addAtGateway(
  { deps, services }: MeshInMaking,
  object: KubeObject,
  { routes }: Routing,
  host: string,
): void {
  if (services.has(host)) return
  const [only, ...more] = new Set(
    routes.flatMap(({ route }) => route.targets.map((target) => target.virtualNode)),
  )
  services.set(host, {
    name: host,
    ...(hostPart(deps, host) ?? nativeOf(object)),
    provider: only === undefined || more.length > 0 ? { kind: "none" } : { kind: "virtual_node", name: only },
  })
}

/** Hosts that can be called and have no routes: a ServiceEntry's, and Services with proxies. */
export function addUnrouted({ deps: { hosts, nodes }, services }: MeshInMaking): void {
  for (const known of hosts.values()) {
    if (services.has(known.host) || !isCalled(known)) continue
    services.set(known.host, {
      name: known.host,
      native: known.native,
      ...optional("labels", known.labels),
      provider: { kind: "virtual_node", name: nodes.need(known.host, "", hostSpot(known)) },
    })
  }
}

function isCalled({ injected, native }: KnownHost): boolean {
  return injected || native.kind === "ServiceEntry"
}

function hostSpot({ host }: KnownHost): Spot {
  return { value: undefined, path: [], place: { name: host, where: () => host } }
}
