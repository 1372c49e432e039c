import type { DeclaredMesh } from "../../declared.ts"
import type { IstioKind, KubeObjects } from "../kube-objects.ts"
import { gatewaysOf } from "./gateways.ts"
import { knownHosts } from "./hosts.ts"
import { httpRouteRouting } from "./http-routes.ts"
import { IstioNodes } from "./nodes.ts"
import { addUnrouted, type MeshInMaking, placeRoutes } from "./placing.ts"
import { MESH_GATEWAY } from "./read-route.ts"
import { type RouteDeps, virtualServiceRouting } from "./virtual-services.ts"

export interface IstioOptions {
  /** Name of the Istio mesh: its mesh id or trust domain. Absent: `cluster.local`. */
  readonly istioMesh?: string
  /** What short names of services are completed with. Absent: `cluster.local`. */
  readonly clusterDomain?: string
}

const DEFAULT = "cluster.local"
const KINDS: readonly IstioKind[] = [
  "istio/VirtualService",
  "istio/DestinationRule",
  "istio/Gateway",
  "istio/ServiceEntry",
  "api/Gateway",
  "api/HTTPRoute",
]

/**
 * The mesh that objects of Istio and of the Gateway API declare, in our kinds: `istio-names.ts` says how each is called.
 * None where they declare nothing. Services lend ports and pods; those of namespaces with injection are part of it.
 */
export function istioMeshes(objects: KubeObjects, options: IstioOptions): DeclaredMesh[] {
  const domain = options.clusterDomain ?? DEFAULT
  const hosts = knownHosts(objects, domain)
  if (
    KINDS.every((kind) => objects.count(kind) === 0) &&
    ![...hosts.values()].some(({ injected }) => injected)
  )
    return []
  const nodes = new IstioNodes(objects, hosts, domain)
  const mesh: DeclaredMesh = {
    name: options.istioMesh ?? DEFAULT,
    flavor: "istio",
    // Istio's default. What a mesh's own configuration says stands in no object that is read.
    egress: "ALLOW_ALL",
    ...partsOf({ objects, hosts, nodes, domain }),
    virtualNodes: nodes.declared,
  }
  const empty = mesh.virtualNodes.length + mesh.virtualServices.length + mesh.virtualGateways.length === 0
  return empty ? [] : [mesh]
}

function partsOf(
  deps: RouteDeps,
): Pick<DeclaredMesh, "virtualServices" | "virtualRouters" | "virtualGateways"> {
  const { objects } = deps
  const { istio, api } = gatewaysOf(objects)
  const making: MeshInMaking = { deps, routers: new Map(), services: new Map() }
  for (const object of objects.of("istio/VirtualService"))
    objects.reading.attempt(() => {
      const routing = virtualServiceRouting(object, deps)
      const inMesh = routing.gateways.has(MESH_GATEWAY)
      placeRoutes(making, { object, routing, gatewayHosts: routing.hosts, gateways: istio, inMesh })
    })
  for (const object of objects.of("api/HTTPRoute"))
    objects.reading.attempt(() => {
      const routing = httpRouteRouting(object, deps)
      const inMesh = routing.hosts.length > 0
      placeRoutes(making, { object, routing, gatewayHosts: routing.hostnames, gateways: api, inMesh })
    })
  addUnrouted(making)
  return {
    virtualServices: [...making.services.values()],
    virtualRouters: [...making.routers.values()],
    virtualGateways: [...istio.values(), ...api.values()].map(({ declared, routes }) =>
      Object.assign(declared, { routes }),
    ),
  }
}
