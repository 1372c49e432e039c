import type { Flavor } from "../resource.ts"
import type { LiveObject } from "./live-object.ts"

/** Objects of one kind that make the model, as the API server names them. */
export interface ModelResource {
  /** Empty: the core group. */
  readonly group: string
  readonly version: string
  /** Lower case, as in paths. */
  readonly plural: string
  /** As objects of it name themselves. */
  readonly kind: string
  /** Which declared models need it. */
  readonly flavors: readonly Flavor[]
}

const of = (flavors: readonly Flavor[], group: string, version: string, plural: string, kind: string) =>
  ({ flavors, group, version, plural, kind }) satisfies ModelResource

/** All that has to be watched for a declared model. A cluster has the kinds of the meshes that are installed there. */
export const MODEL_RESOURCES: readonly ModelResource[] = [
  of(["app-mesh", "istio"], "", "v1", "namespaces", "Namespace"),
  of(["istio"], "", "v1", "services", "Service"),
  ...[
    ["meshes", "Mesh"],
    ["virtualnodes", "VirtualNode"],
    ["virtualservices", "VirtualService"],
    ["virtualrouters", "VirtualRouter"],
    ["virtualgateways", "VirtualGateway"],
    ["gatewayroutes", "GatewayRoute"],
    ["backendgroups", "BackendGroup"],
  ].map(([plural = "", kind = ""]) => of(["app-mesh"], "appmesh.k8s.aws", "v1beta2", plural, kind)),
  ...[
    ["virtualservices", "VirtualService"],
    ["destinationrules", "DestinationRule"],
    ["gateways", "Gateway"],
    ["serviceentries", "ServiceEntry"],
  ].map(([plural = "", kind = ""]) => of(["istio"], "networking.istio.io", "v1", plural, kind)),
  of(["istio"], "gateway.networking.k8s.io", "v1", "gateways", "Gateway"),
  of(["istio"], "gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute"),
]

/** An object with the kind that it was asked for by: in a list of core objects the API server leaves it out. */
export function ofResource(resource: ModelResource, object: LiveObject): LiveObject {
  if (object.apiVersion !== undefined && object.kind !== undefined) return object
  const apiVersion = resource.group === "" ? resource.version : `${resource.group}/${resource.version}`
  return { ...object, apiVersion, kind: resource.kind }
}
