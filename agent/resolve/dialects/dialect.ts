import type { AppProtocol, DeclaredModel } from "#mesh/declared.ts"
import type {
  Cluster,
  Direction,
  EnvoyRoute,
  Listener,
  ProxyConfig,
  ProxyHint,
  ProxyIdentity,
  VirtualHost,
} from "#mesh/proxy.ts"
import type { Flavor } from "#mesh/resource.ts"

/** What a cluster stands for. */
export type ClusterMeaning =
  | {
      readonly kind: "node"
      /** Absent: the name does not tell, the listeners that lead to it do. */
      readonly direction?: "inbound" | "outbound"
      readonly node: string
      /** The virtual service that the name itself tells. */
      readonly service?: string
      readonly protocol?: AppProtocol
    }
  /** A gateway's way from its ingress listener to its egress listener. */
  | { readonly kind: "self_redirect" }
  /** AWS services, which the mesh lets pass by name. */
  | { readonly kind: "aws" }
  /** Whatever the mesh declares no backend for. */
  | { readonly kind: "undeclared" }
  /** Trace collectors, secret servers and the like: no part of the mesh. */
  | { readonly kind: "infrastructure" }
  | { readonly kind: "unknown"; readonly why: string }

/** What discovery already knows of a proxy; empty texts where it knows nothing. */
export type IdentityHint = Pick<ProxyIdentity, "proxy"> & ProxyHint

/**
 * How one control plane names things in Envoy.
 * Promise: pure, synchronous, and never throws, whatever a pod wrote into its configuration. A name that cannot be read
 * is answered as such (`unknown` with the reason, or an empty text), never guessed.
 */
export interface Dialect {
  readonly flavor: Flavor
  /** Whether this control plane configured the proxy. Asked in the order of `DIALECTS`; the first to claim it has it. */
  claims(config: ProxyConfig, hint: IdentityHint): boolean
  /** @param declared tells which of the declared resources the proxy's own labels stand for, where a dialect asks that */
  identify(config: ProxyConfig, hint: IdentityHint, declared?: DeclaredModel): ProxyIdentity
  cluster(cluster: Cluster, identity: ProxyIdentity): ClusterMeaning
  direction(listener: Listener): Direction
  /**
   * What stands for the service and node of a connection that no filter chain of the listener takes. Empty for what is
   * not certain to be a listener that the node's own calls leave by.
   */
  chainless(listener: Listener): string
  /** The virtual service that an outbound route belongs to; of a virtual host as such when `route` is undefined. Empty: none. */
  service(host: VirtualHost, route: EnvoyRoute | undefined): string
  /** The virtual service that a gateway's ingress route sends to. Empty: not told. */
  gatewayService(route: EnvoyRoute, host: VirtualHost): string
  /** A gateway's one route leads to a node at once. Absent: to itself, and by a second pass to a node (App Mesh). */
  readonly onePass?: boolean
  /**
   * The virtual router that a route itself tells. Empty: it tells that it is of none. Undefined, as where this is absent:
   * it tells nothing, and the router is the one that is declared for its virtual service.
   */
  router?(route: EnvoyRoute): string | undefined
  /** Lines alone name side, node and service, so that they can be counted where nobody can read the configuration. */
  readonly namesLines?: boolean
  /** By what a declared route may be called of which this one was made, the surest first. Absent: the route's own name. */
  wireNames?(route: EnvoyRoute): readonly string[]
  /**
   * What the connection managers of each side are called in stats at every proxy. Absent: without a configuration nobody
   * can tell which manager's requests come in and which go out.
   */
  readonly prefixes?: { readonly inbound?: string; readonly outbound?: string }
}
