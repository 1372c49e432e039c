/**
 * How Istio's objects are called in our seven kinds. Declared objects and Envoy's configuration meet by these names, so
 * both sides make them here. A service is known by its host (an FQDN, without port); what a subset selects, or the whole
 * service where no subset is asked for, is a virtual node.
 */

/** Istio's own name of a cluster, taken apart; `undefined` for any other text. */
export interface IstioCluster {
  readonly direction: "inbound" | "outbound"
  readonly port: number
  /** Empty: the whole service. */
  readonly subset: string
  /** Empty for an inbound cluster of today's Istio. */
  readonly host: string
}

const CLUSTER = /^(inbound|outbound)\|(\d{1,5})\|([^|]*)\|([^|]*)$/
/** The form for TLS that is passed through by its server name. */
const SNI_CLUSTER = /^(outbound)_\.(\d{1,5})_\.([^_]*)_\.(.+)$/

/** Reads `outbound|9080|v1|reviews.default.svc.cluster.local` and `outbound_.9080_.v1_.reviews.default.svc.cluster.local`. */
export function istioCluster(name: string): IstioCluster | undefined {
  const [, direction, port, subset, host] = CLUSTER.exec(name) ?? SNI_CLUSTER.exec(name) ?? []
  if (direction !== "inbound" && direction !== "outbound") return undefined
  return { direction, port: Number(port), subset: subset ?? "", host: host ?? "" }
}

/** The virtual node that a subset of a host is: `reviews.default.svc.cluster.local/v1`, without a subset the host itself. */
export function istioNode(host: string, subset: string): string {
  return subset === "" ? host : `${host}/${subset}`
}

/** The virtual router that a VirtualService or HTTPRoute is: `<name>.<namespace>`, as Istio's own tools print it. */
export function istioRouter(name: string, namespace: string): string {
  return `${name}.${namespace}`
}

/** The virtual gateway that a Gateway is. */
export function istioGateway(name: string, namespace: string): string {
  return `${name}.${namespace}`
}

/** A route of a VirtualService by the name that it was given, else by its place in the list of its kind: `http[0]`. */
export function istioRoute(name: string | undefined, kind: "http" | "tls" | "tcp", index: number): string {
  return name === undefined || name === "" ? `${kind}[${index}]` : name
}

/**
 * The gateway route that a route of a VirtualService or HTTPRoute is on each Gateway that it is bound to:
 * `bookinfo.default/http[0]`. A Gateway's Envoy takes the route and picks the cluster in one step, so both the name of
 * the object and of its route are needed.
 */
export function istioGatewayRoute(router: string, route: string): string {
  return `${router}/${route}`
}

/** How Envoy names a route where no VirtualService says anything about the host. */
export const ISTIO_DEFAULT_ROUTE = "default"

/**
 * The name that Envoy's route bears: the route's own and that of the match block (Istio: `translateRoute`). Empty where
 * neither has one; then only the VirtualService is told, by `filter_metadata.istio.config`.
 */
export function istioWireName(route: string, match: string): string {
  return match === "" ? route : `${route}.${match}`
}

/** The name that Istio gives a rule of an HTTPRoute or GRPCRoute that has none: `default.reviews.0` (`convertHTTPRoute`). */
export function istioRuleName(name: string, namespace: string, index: number): string {
  return `${namespace}.${name}.${index}`
}
