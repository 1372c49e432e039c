import type { GatewayRoute, WeightedTarget } from "../../declared.ts"
import { istioRoute, istioRuleName } from "../../istio-names.ts"
import { objectivePart } from "../declared-object.ts"
import type { KubeObject } from "../kube-objects.ts"
import { optional } from "../match-spec.ts"
import { readEach } from "../reading.ts"
import { at, listAt, neededText, portAt, type Spot, sentenceAt, textAt, wholeAt } from "../spot.ts"
import { durationAt } from "./duration.ts"
import { serviceHost } from "./hosts.ts"
import { ruleMatch } from "./match.ts"
import { MESH_GATEWAY, type ReadRoute, type Routing } from "./read-route.ts"
import type { RouteDeps } from "./virtual-services.ts"

/**
 * An HTTPRoute's rules. A parent that is a Service makes them hold in the mesh for that Service's host, a parent that is
 * a Gateway makes them hold there for the route's host names.
 */
export function httpRouteRouting(
  object: KubeObject,
  deps: RouteDeps,
): Routing & { readonly hostnames: string[] } {
  const parents = listAt(object.spec, "parentRefs").map((parent) => parentOf(parent, object, deps))
  const rules = listAt(object.spec, "rules").map((spot, index) => ({ spot, index }))
  return {
    hosts: parents.flatMap(({ host }) => host ?? []),
    hostnames: listAt(object.spec, "hostnames").map((spot) => neededText(spot)),
    gateways: new Set(parents.flatMap(({ gateway }) => gateway ?? [])),
    routes: readEach(deps.objects.reading, rules, ({ spot, index }) => ruleOf(spot, index, object, deps)),
  }
}

interface Parent {
  readonly gateway?: string
  /** Of a Service. */
  readonly host?: string
}

function parentOf(spot: Spot, { namespace: own }: KubeObject, { objects, domain }: RouteDeps): Parent {
  const name = neededText(spot, "name")
  const namespace = textAt(spot, "namespace") ?? own
  const kind = textAt(spot, "kind") ?? "Gateway"
  if (kind === "Gateway") return { gateway: `${namespace}/${name}` }
  if (kind === "Service") return { gateway: MESH_GATEWAY, host: serviceHost(name, namespace, domain) }
  objects.reading.notes.add(sentenceAt(at(spot, "kind"), `a parent of kind ${kind} is not read`))
  return {}
}

function ruleOf(spot: Spot, index: number, object: KubeObject, deps: RouteDeps): ReadRoute {
  const given = textAt(spot, "name")
  const name = istioRoute(given, "http", index)
  const wireName = given ?? istioRuleName(object.name, object.namespace, index)
  const matches = listAt(spot, "matches").map((match) => ({ match: ruleMatch(match), wireName }))
  return {
    route: {
      name,
      protocol: "http",
      targets: listAt(spot, "backendRefs").flatMap((backend) => backendOf(backend, object, deps)),
      ...optional("timeoutMs", durationAt(at(spot, "timeouts", "request"))),
      ...objectivePart(deps.objects, object, name),
    },
    matches: matches.length === 0 ? [{ match: {}, wireName }] : matches,
    rewrite: rewriteOf(listAt(spot, "filters")),
  }
}

function backendOf(
  backend: Spot,
  object: KubeObject,
  { objects, nodes, domain }: RouteDeps,
): WeightedTarget[] {
  const kind = textAt(backend, "kind") ?? "Service"
  const name = neededText(backend, "name")
  // Istio's own kind: the name is the whole host.
  if (kind !== "Service" && kind !== "Hostname") {
    objects.reading.notes.add(sentenceAt(at(backend, "kind"), `a backend of kind ${kind} is not read`))
    return []
  }
  const namespace = textAt(backend, "namespace") ?? object.namespace
  const host = kind === "Hostname" ? name : serviceHost(name, namespace, domain)
  return [
    {
      virtualNode: nodes.need(host, "", backend),
      weight: wholeAt(backend, 0, "weight") ?? 1,
      ...optional("port", portAt(backend, "port")),
    },
  ]
}

function rewriteOf(filters: readonly Spot[]): GatewayRoute["rewrite"] {
  const rewrite = filters.find((filter) => textAt(filter, "type") === "URLRewrite")
  if (rewrite === undefined) return { hostname: false }
  const path = at(rewrite, "urlRewrite", "path")
  return {
    hostname: textAt(rewrite, "urlRewrite", "hostname") !== undefined,
    ...optional("prefix", textAt(path, "replacePrefixMatch")),
    ...optional("path", textAt(path, "replaceFullPath")),
  }
}
