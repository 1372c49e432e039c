/** The seven canonical kinds, in App Mesh's words. Other meshes keep their own kind and name beside these. */
export const KINDS = [
  "mesh",
  "virtual_gateway",
  "gateway_route",
  "virtual_service",
  "virtual_router",
  "route",
  "virtual_node",
] as const
export type Kind = (typeof KINDS)[number]

/** Which mesh product the proxy was configured by. */
export const FLAVORS = ["app-mesh", "service-connect", "istio", "plain"] as const
export type Flavor = (typeof FLAVORS)[number]

/** Who saw a request: a gateway's listener, the caller's side, or the callee's side. */
export const REPORTERS = ["gateway", "source", "destination"] as const
export type Reporter = (typeof REPORTERS)[number]

/** Where a number comes from: an access log, or the proxy's own counters. */
export const PROVENANCES = ["log", "stats"] as const
export type Provenance = (typeof PROVENANCES)[number]

/** Names that stand where no resource can be named. They are answers, not errors. */
export const AMBIGUOUS = "(ambiguous)"
export const UNMATCHED = "(unmatched)"
export const SHARED = "(shared)"
export const UNKNOWN = "(unknown)"
/** A host that the mesh declares no backend for: Envoy's `mesh-allow-all` cluster, or its own 404. */
export const UNDECLARED = "(undeclared)"
/** AWS's own hosts, which every node may call on port 443: known by the name that TLS asks for. */
export const AWS = "(aws)"

/** The join key of metrics, logs, traces and pages: one resource with its parents. Names are whole and case-sensitive. */
export interface ResourcePath {
  readonly kind: Kind
  readonly mesh: string
  /** Own name. For a route also `virtualRouter` is set, for a gateway route `virtualGateway`. */
  readonly name: string
  readonly virtualGateway?: string
  readonly virtualRouter?: string
}

/** One text per resource, usable as a map key: `mesh/<m>/virtualRouter/<r>/route/<n>`, the shape of App Mesh's ARNs. */
export function pathText(path: ResourcePath): string {
  const root = `mesh/${path.mesh}`
  switch (path.kind) {
    case "mesh":
      return root
    case "virtual_gateway":
      return `${root}/virtualGateway/${path.name}`
    case "gateway_route":
      return `${root}/virtualGateway/${path.virtualGateway ?? UNKNOWN}/gatewayRoute/${path.name}`
    case "virtual_service":
      return `${root}/virtualService/${path.name}`
    case "virtual_router":
      return `${root}/virtualRouter/${path.name}`
    case "route":
      return `${root}/virtualRouter/${path.virtualRouter ?? UNKNOWN}/route/${path.name}`
    case "virtual_node":
      return `${root}/virtualNode/${path.name}`
  }
}
