import type { AppProtocol, GatewayRoute, RetryPolicy, WeightedTarget } from "../../declared.ts"
import { istioRoute, istioWireName } from "../../istio-names.ts"
import { objectivePart } from "../declared-object.ts"
import type { KubeObject, KubeObjects } from "../kube-objects.ts"
import { optional } from "../match-spec.ts"
import { readEach } from "../reading.ts"
import { at, isThere, listAt, neededText, portAt, type Spot, sentenceAt, textAt, wholeAt } from "../spot.ts"
import { durationAt } from "./duration.ts"
import { has, type KnownHost, type ShortNames, wholeName } from "./hosts.ts"
import { istioMatch } from "./match.ts"
import type { IstioNodes } from "./nodes.ts"
import { type BoundMatch, hostMatch, MESH_GATEWAY, type ReadRoute, type Routing } from "./read-route.ts"

/** What routes are read with. */
export interface RouteDeps {
  readonly objects: KubeObjects
  readonly hosts: ReadonlyMap<string, KnownHost>
  readonly nodes: IstioNodes
  readonly domain: string
}

/** A VirtualService's routes, in their order: HTTP, TLS that is passed through, TCP. */
export function virtualServiceRouting(service: KubeObject, deps: RouteDeps): Routing {
  const names = { namespace: service.namespace, domain: deps.domain }
  const gateways = gatewaySet(listAt(service.spec, "gateways"), service.namespace)
  const context: RouteContext = { ...deps, service, names, taken: new Set() }
  return {
    hosts: listAt(service.spec, "hosts").map((host) => wholeName(neededText(host), names)),
    gateways: gateways ?? new Set([MESH_GATEWAY]),
    routes: [
      ...routesOf("http", context, httpRoute),
      ...routesOf("tls", context, (spot, name) => streamRoute(spot, name, tlsMatches, context)),
      ...routesOf("tcp", context, (spot, name) => streamRoute(spot, name, tcpMatches, context)),
    ],
  }
}

interface RouteContext extends RouteDeps {
  readonly service: KubeObject
  readonly names: ShortNames
  readonly taken: Set<string>
}

type Read = (spot: Spot, name: string, context: RouteContext) => ReadRoute

function routesOf(kind: "http" | "tls" | "tcp", context: RouteContext, read: Read): ReadRoute[] {
  const { service, taken } = context
  const { reading } = context.objects
  const own = listAt(service.spec, kind).map((spot, index) => ({ spot, index }))
  return readEach(reading, own, ({ spot, index }) => {
    const given = kind === "http" ? textAt(spot, "name") : undefined
    if (has(spot, "delegate")) {
      reading.notes.add(sentenceAt(at(spot, "delegate"), "routes of another VirtualService are not followed"))
      return undefined
    }
    const wanted = istioRoute(given, kind, index)
    // Istio lets two routes have one name; here the place tells them apart.
    const name = taken.has(wanted) ? istioRoute(undefined, kind, index) : wanted
    taken.add(name)
    return read(spot, name, context)
  }).filter((route) => route !== undefined)
}

function httpRoute(spot: Spot, name: string, context: RouteContext): ReadRoute {
  const given = textAt(spot, "name") ?? ""
  const targets = listAt(spot, "route").map((route, _, all) => targetOf(route, all.length, context))
  const blocks = listAt(spot, "match").map((match) => httpBlock(match, given, context))
  return {
    route: {
      name,
      protocol: httpProtocol(targets, context),
      targets,
      ...optional("retry", retryOf(at(spot, "retries"))),
      ...optional("timeoutMs", durationAt(at(spot, "timeout"))),
      ...objectivePart(context.objects, context.service, name),
    },
    matches: blocks.length === 0 ? [{ match: {}, wireName: given }] : blocks,
    rewrite: rewriteOf(at(spot, "rewrite"), blocks[0]),
  }
}

function httpBlock(match: Spot, route: string, { service }: RouteContext): BoundMatch {
  return {
    match: istioMatch(match),
    wireName: istioWireName(route, textAt(match, "name") ?? ""),
    ...optional("gateways", gatewaySet(listAt(match, "gateways"), service.namespace)),
  }
}

function rewriteOf(spot: Spot, first: BoundMatch | undefined): GatewayRoute["rewrite"] {
  const uri = textAt(spot, "uri")
  const part = first?.match.path?.exact === undefined ? "prefix" : "path"
  return { hostname: has(spot, "authority"), ...optional(part, uri) }
}

/** What the first target's port says that it speaks. */
function httpProtocol(targets: readonly WeightedTarget[], { hosts }: RouteContext): AppProtocol {
  const [first] = targets
  const listeners = hosts.get(first?.virtualNode.split("/")[0] ?? "")?.listeners ?? []
  const found =
    listeners.find(({ port }) => port === first?.port) ?? (listeners.length === 1 ? listeners[0] : undefined)
  return found === undefined || found.protocol === "tcp" ? "http" : found.protocol
}

/** A lone target without a weight takes all. */
function targetOf(route: Spot, count: number, { nodes, names }: RouteContext): WeightedTarget {
  const destination = at(route, "destination")
  const host = wholeName(neededText(destination, "host"), names)
  return {
    virtualNode: nodes.need(host, textAt(destination, "subset") ?? "", destination),
    weight: wholeAt(route, 0, "weight") ?? (count === 1 ? 100 : 0),
    ...optional("port", portAt(destination, "port", "number")),
  }
}

function retryOf(spot: Spot): RetryPolicy | undefined {
  if (!isThere(spot)) return undefined
  const events = textAt(spot, "retryOn")
    ?.split(",")
    .map((event) => event.trim())
  return {
    maxRetries: wholeAt(spot, 0, "attempts") ?? 0,
    ...optional("perRetryTimeoutMs", durationAt(at(spot, "perTryTimeout"))),
    ...optional("httpRetryEvents", events),
  }
}

type StreamMatches = (match: Spot, namespace: string) => BoundMatch[]

function streamRoute(spot: Spot, name: string, read: StreamMatches, context: RouteContext): ReadRoute {
  const { namespace } = context.service
  const blocks = listAt(spot, "match").flatMap((match) => read(match, namespace))
  const targets = listAt(spot, "route").map((route, _, all) => targetOf(route, all.length, context))
  return {
    route: { name, protocol: "tcp", targets, ...objectivePart(context.objects, context.service, name) },
    matches: blocks.length === 0 ? [{ match: {}, wireName: "" }] : blocks,
    rewrite: { hostname: false },
  }
}

function tcpMatches(match: Spot, namespace: string): BoundMatch[] {
  const port = optional("port", portAt(match, "port"))
  return [
    { match: port, wireName: "", ...optional("gateways", gatewaySet(listAt(match, "gateways"), namespace)) },
  ]
}

/** One for each server name, which may begin with `*`. */
function tlsMatches(match: Spot, namespace: string): BoundMatch[] {
  const [rest] = tcpMatches(match, namespace)
  if (rest === undefined) return []
  return listAt(match, "sniHosts").map((spot) => {
    const hostname = hostMatch(neededText(spot))
    return Object.assign({}, rest, { match: Object.assign({}, rest.match, { hostname }) })
  })
}

/** Names of gateways as `namespace/name`, or `mesh`; undefined where none is named. */
function gatewaySet(list: readonly Spot[], namespace: string): ReadonlySet<string> | undefined {
  if (list.length === 0) return undefined
  return new Set(
    list.map((spot) => {
      const name = neededText(spot)
      return name === MESH_GATEWAY || name.includes("/") ? name : `${namespace}/${name}`
    }),
  )
}
