import type { GatewayRoute, VirtualGateway } from "../declared.ts"
import { declaredBy, objectivePart } from "./declared-object.ts"
import { type KubeObject, type KubeObjects, nameOf, nameTaken } from "./kube-objects.ts"
import { optional } from "./match-spec.ts"
import { accessLogOf, listenersOf } from "./node-spec.ts"
import { readEach } from "./reading.ts"
import { inMatchOrder } from "./route-order.ts"
import { gatewayRouteOf } from "./route-spec.ts"
import { selectorAt, selectorOf } from "./selector.ts"
import { at, invalid, textAt } from "./spot.ts"

type Labels = Readonly<Record<string, string>>

/** A gateway while its routes are found. */
interface Gateway {
  readonly declared: Omit<VirtualGateway, "routes">
  /** Whether its selectors take a namespace with these labels, and a route there. */
  readonly takesNamespace: (labels: Labels) => boolean
  readonly takesRoute: (labels: Labels) => boolean
  readonly routes: Map<string, GatewayRoute>
}

/** The virtual gateways of one mesh, each with its routes in match order. */
export function gatewaysOf(
  objects: KubeObjects,
  gateways: readonly KubeObject[],
  routes: readonly KubeObject[],
): VirtualGateway[] {
  const { reading } = objects
  const known = new Map(readEach(reading, gateways, (object) => [object, gatewayOf(object)] as const))
  const candidates = candidatesOf(objects, [...known.values()])
  for (const route of routes) reading.attempt(() => place(objects, known, candidates, route))
  return [...known.values()].map(({ declared, routes: own }) =>
    Object.assign(declared, { routes: inMatchOrder([...own.values()]) }),
  )
}

function gatewayOf(object: KubeObject): Gateway {
  return {
    declared: {
      ...declaredBy(object),
      listeners: listenersOf(object.spec),
      ...optional("accessLog", accessLogOf(object.spec)),
      ...optional("podSelector", selectorOf(at(object.spec, "podSelector"))),
    },
    takesNamespace: selectorAt(object.spec, false, "namespaceSelector"),
    takesRoute: selectorAt(object.spec, true, "gatewayRouteSelector"),
    routes: new Map(),
  }
}

type Candidates = (namespace: string) => readonly Gateway[]

/** The gateways that take routes of a namespace; each namespace is asked for once. */
function candidatesOf(objects: KubeObjects, gateways: readonly Gateway[]): Candidates {
  const byNamespace = new Map<string, readonly Gateway[]>()
  return (namespace) => {
    const known = byNamespace.get(namespace)
    if (known !== undefined) return known
    const labels = objects.namespaceLabels(namespace)
    const found = gateways.filter(({ takesNamespace }) => takesNamespace(labels))
    byNamespace.set(namespace, found)
    return found
  }
}

function place(
  objects: KubeObjects,
  known: ReadonlyMap<KubeObject, Gateway>,
  candidates: Candidates,
  route: KubeObject,
): void {
  const gateway = ownerOf(objects, known, candidates, route)
  if (gateway === undefined) return
  // Gateway routes are named below their gateway: two gateways may have routes of one name.
  if (gateway.routes.has(route.awsName)) throw nameTaken(route)
  const references = objects.references(route.namespace)
  gateway.routes.set(route.awsName, {
    ...declaredBy(route),
    ...gatewayRouteOf(route.spec, references),
    ...objectivePart(objects, route),
  })
}

/** By `virtualGatewayRef`, else the gateway whose selectors take the route, else the only one there is. */
function ownerOf(
  objects: KubeObjects,
  known: ReadonlyMap<KubeObject, Gateway>,
  candidates: Candidates,
  route: KubeObject,
): Gateway | undefined {
  const reference = textAt(route.spec, "virtualGatewayRef", "name")
  if (reference !== undefined) {
    const namespace = textAt(route.spec, "virtualGatewayRef", "namespace") ?? route.namespace
    const object = objects.find("VirtualGateway", namespace, reference)
    const gateway = object === undefined ? undefined : known.get(object)
    if (gateway === undefined)
      objects.reading.notes.add(`${nameOf(route)} is left out: no VirtualGateway ${namespace}/${reference}`)
    return gateway
  }
  const fits = candidates(route.namespace).filter(({ takesRoute }) => takesRoute(route.labels ?? {}))
  if (fits.length === 1) return fits[0]
  if (known.size === 1) return [...known.values()][0]
  throw invalid(route.object, `belongs to no certain gateway: ${fits.length} of ${known.size} select it`)
}
