import type { Flavor } from "./resource.ts"

/** What the mesh was declared to be: the resources of every mesh, with names as Envoy and AWS know them (`awsName`). */
export interface DeclaredModel {
  readonly meshes: readonly DeclaredMesh[]
}

export interface DeclaredMesh {
  readonly name: string
  readonly flavor: Flavor
  /** Account that owns a shared mesh; `mesh@owner` in node ids. */
  readonly owner?: string
  /** Whether calls to hosts outside the declared backends pass (`ALLOW_ALL`) or are refused. App Mesh's default: DROP_ALL. */
  readonly egress: "ALLOW_ALL" | "DROP_ALL"
  readonly virtualNodes: readonly VirtualNode[]
  readonly virtualServices: readonly VirtualService[]
  readonly virtualRouters: readonly VirtualRouter[]
  readonly virtualGateways: readonly VirtualGateway[]
}

export type AppProtocol = "http" | "http2" | "grpc" | "tcp"

export interface PortMapping {
  readonly port: number
  readonly protocol: AppProtocol
}

export interface ActiveHealthCheck {
  readonly protocol: AppProtocol
  readonly path?: string
  readonly port?: number
}

export interface NodeListener extends PortMapping {
  readonly healthCheck?: ActiveHealthCheck
}

/** `text` and `json` hold the format when one was declared; with neither, Envoy's default text format is in force. */
export interface DeclaredAccessLog {
  readonly path: string
  readonly text?: string
  readonly json?: Readonly<Record<string, string>>
}

/** The native object that a resource was declared by, e.g. kind `VirtualNode`, name `yelb-ui`, namespace `yelb`. */
export interface NativeName {
  readonly kind: string
  readonly name: string
  readonly namespace?: string
}

interface Declared {
  /** The name that Envoy and AWS use; never shortened. */
  readonly name: string
  readonly native?: NativeName
  readonly labels?: Readonly<Record<string, string>>
}

/** A Kubernetes label selector; without conditions it takes everything. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist"
    readonly values: readonly string[]
  }[]
}

export interface VirtualNode extends Declared {
  readonly listeners: readonly NodeListener[]
  /** Names of virtual services that this node may call. */
  readonly backends: readonly string[]
  readonly discovery?: { readonly type: "dns" | "cloudmap"; readonly hostname?: string }
  readonly accessLog?: DeclaredAccessLog
  /**
   * Pods that are this node: App Mesh's `podSelector` in the own namespace, the selector of Istio's Service; for a subset
   * only what makes it one among the pods of its host.
   */
  readonly podSelector?: LabelSelector
}

export interface VirtualService extends Declared {
  readonly provider:
    | { readonly kind: "virtual_router"; readonly name: string }
    | { readonly kind: "virtual_node"; readonly name: string }
    | { readonly kind: "none" }
}

export interface VirtualRouter extends Declared {
  readonly listeners: readonly PortMapping[]
  /** In match order: lower priority number first, then App Mesh's own order of specificity. */
  readonly routes: readonly Route[]
}

export interface StringMatch {
  readonly exact?: string
  readonly prefix?: string
  readonly suffix?: string
  readonly regex?: string
  readonly range?: { readonly start: number; readonly end: number }
  readonly invert?: boolean
}

export interface NamedMatch {
  readonly name: string
  /** Absent: the header or parameter only has to be present. */
  readonly match?: StringMatch
}

/** One request match as declared. Absent parts match everything. */
export interface RouteMatch {
  readonly path?: StringMatch
  readonly method?: string
  readonly scheme?: string
  readonly headers?: readonly NamedMatch[]
  readonly query?: readonly NamedMatch[]
  /** Gateway routes only. */
  readonly hostname?: StringMatch
  readonly port?: number
  /** gRPC routes: full service name and method; they become a path prefix or an exact path in Envoy. */
  readonly grpc?: { readonly service?: string; readonly method?: string }
}

export interface WeightedTarget {
  readonly virtualNode: string
  readonly weight: number
  readonly port?: number
}

export interface RetryPolicy {
  readonly maxRetries: number
  readonly perRetryTimeoutMs?: number
  readonly httpRetryEvents?: readonly string[]
  readonly grpcRetryEvents?: readonly string[]
  readonly tcpRetryEvents?: readonly string[]
}

export interface Route extends Declared {
  readonly protocol: AppProtocol
  readonly priority?: number
  readonly match: RouteMatch
  /** Further matches, any of which is enough. Istio only; each is a route of its own in Envoy, in this order after `match`. */
  readonly otherMatches?: readonly RouteMatch[]
  /**
   * Istio only: names that Envoy's routes of this one bear, each once; none where it is unnamed. To be read together with
   * `filter_metadata.istio.config`, whose last parts are the `native` object of the router (for an HTTPRoute a name that
   * begins with it).
   */
  readonly wireNames?: readonly string[]
  readonly targets: readonly WeightedTarget[]
  readonly retry?: RetryPolicy
  readonly timeoutMs?: number
  readonly idleTimeoutMs?: number
  /** Share of requests that should not fail, e.g. 0.999; from an annotation or tag. */
  readonly objective?: number
}

export interface VirtualGateway extends Declared {
  readonly listeners: readonly NodeListener[]
  readonly accessLog?: DeclaredAccessLog
  /** Pods that are this gateway; App Mesh's `podSelector` in the own namespace, the `selector` of Istio's Gateway. */
  readonly podSelector?: LabelSelector
  readonly routes: readonly GatewayRoute[]
}

export interface GatewayRoute extends Declared {
  readonly protocol: AppProtocol
  readonly priority?: number
  readonly match: RouteMatch
  /** As for a route. */
  readonly otherMatches?: readonly RouteMatch[]
  /** As for a route; `native` of the gateway route itself is the VirtualService or HTTPRoute. */
  readonly wireNames?: readonly string[]
  readonly virtualService: string
  readonly targetPort?: number
  readonly rewrite: {
    /** App Mesh replaces the host by the virtual service's name unless told otherwise. */
    readonly hostname: boolean
    /** What a matched prefix becomes; App Mesh's default is "/". Absent: the path is kept. */
    readonly prefix?: string
    readonly path?: string
  }
  readonly objective?: number
}
