import type { Flavor } from "./resource.ts"

/** One Envoy process as the agent knows it. */
export interface ProxyIdentity {
  /** Stable name that the user reads, unique per agent: discovery's name of the target. */
  readonly proxy: string
  readonly nodeId: string
  readonly flavor: Flavor
  /** Bare mesh name, without `@owner`. */
  readonly mesh: string
  readonly role: "sidecar" | "gateway"
  /** Name of the virtual node or virtual gateway. */
  readonly resource: string
}

/** The node or gateway that a proxy belongs to, as a label. */
export function proxyOwner({
  role,
  resource,
}: Pick<ProxyIdentity, "role" | "resource">): Readonly<Record<string, string>> {
  return role === "gateway" ? { virtual_gateway: resource } : { virtual_node: resource }
}

/** What discovery already knows of a proxy; absent or empty where it knows nothing. */
export type ProxyHint = Partial<Omit<ProxyIdentity, "proxy">>

/** What an address of a proxy answers to. */
export type Served =
  /** Envoy's own admin interface: every page of the allow-list. */
  | { readonly kind: "admin" }
  /** One page of stats in Prometheus' format and nothing else: Istio's 15020 and 15090, Consul's 20200, Envoy Gateway's 19001. */
  | { readonly kind: "prometheus"; readonly path: "/stats/prometheus" | "/metrics" }
  /** The Unix socket of ECS Service Connect's agent: `/stats/prometheus` and `/status`, ten requests a second at most. */
  | { readonly kind: "service-connect" }
  /** Nothing: its DogStatsD sink sends its stats to this agent, from the host of the address; the port tells nothing. */
  | { readonly kind: "pushed" }
  /** Nothing that this agent can reach: its lines, where they come, are all that there is. */
  | { readonly kind: "nothing" }

/**
 * What a target's state says beside what its configuration lacks; words of `mesh_proxy_info{missing}`.
 * `config`: no configuration can be read there. `hosts`: no hosts and certificates. `log`: its output goes where no file
 * and no receiver is. `identity`: more than one resource claims it, or none does. `datagrams`: its stats come in a way in
 * which nobody can see what is lost.
 */
export const TARGET_GAPS = ["config", "hosts", "log", "identity", "datagrams"] as const
export type TargetGap = (typeof TARGET_GAPS)[number]

/** Where a proxy's admin interface listens. */
export type AdminAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string }

/** One Envoy as discovery found it. */
export interface ProxyTarget {
  /** Unique per agent, stable over restarts of the agent; becomes `ProxyIdentity.proxy`. */
  readonly name: string
  readonly admin: AdminAddress
  /** What listens at `admin`. Absent: Envoy's whole admin interface. */
  readonly serves?: Served
  /** Absolute paths of the log files that hold its access lines; empty when none can be read. */
  readonly logs: readonly string[]
  /** Its container's output is sent to this agent (Fluent forward), in place of a file or beside it. */
  readonly sent?: boolean
  /** Who it is, as far as discovery knows without asking it. What the proxy says of itself wins. */
  readonly hint?: ProxyHint
  /** What cannot be had of it where it runs, or what is doubtful about it. Shown in the target's state. */
  readonly gaps?: readonly TargetGap[]
  /** What discovery knows beside: namespace, pod, task. Not on any series. */
  readonly labels?: Readonly<Record<string, string>>
}

/** Envoy's configuration, reduced to what resolving needs. Made from `/config_dump`, in Envoy's own order. */
export interface ProxyConfig {
  readonly node: {
    readonly id: string
    readonly cluster: string
    readonly metadata: Readonly<Record<string, unknown>>
    /** `1.40.0`; empty when the dump does not tell. */
    readonly version: string
  }
  readonly listeners: readonly Listener[]
  readonly routeConfigs: readonly RouteConfig[]
  readonly clusters: readonly Cluster[]
  /** Tracers in force; empty: none traces. Absent in what was kept before this was read. */
  readonly tracers?: readonly Tracer[]
  /** What its bootstrap says of stats. Absent: Envoy's own rules. */
  readonly stats?: StatsRules
  /** Version texts of the last accepted configuration by type: cds, lds, rds/<name>. */
  readonly versions: Readonly<Record<string, string>>
  /** Newest `last_updated` of any section, ms since epoch; undefined when the dump has none. */
  readonly updatedMs: number | undefined
  /** What the decoder passed over, one sentence each; bounded. */
  readonly notes?: readonly string[]
  /** Set where nobody can read the configuration: `clusters` are those of the page, and there are no listeners. */
  readonly names?: PageNames
}

/**
 * Names on a page of stats in Prometheus' format; empty where no page can be read either. Owners as Envoy's tag rules cut
 * them out: as a rule one whose name holds dots ends at the first. Sorted, each once.
 */
export interface PageNames {
  /** Who the labels say the proxy is; empty where they say nothing, or different things. */
  readonly identity: ProxyHint
  readonly clusters: readonly string[]
  /** Prefixes of connection managers. */
  readonly http: readonly string[]
  /** Prefixes of TCP proxies. */
  readonly tcp: readonly string[]
}

/** What a bootstrap says of stats, as far as it differs from Envoy's own rules. */
export interface StatsRules {
  /** Tags that stand on every series, e.g. Consul's `consul.source.datacenter`. */
  readonly fixed: Readonly<Record<string, string>>
  /** Which are kept, by patterns of their names. Absent: all. */
  readonly kept?: { readonly kind: "only" | "all but"; readonly patterns: readonly EnvoyStringMatch[] }
}

/** A tracer that some connection manager uses, by the bootstrap or by its own configuration. */
export interface Tracer {
  /** Envoy's word without its prefix, e.g. `xray`, `zipkin`, `opentelemetry`, `datadog`. */
  readonly kind: string
  /** What carries the spans; `other`: not told, or in no way that we know. */
  readonly protocol: "udp" | "http" | "grpc" | "other"
  /** Where they go; a host may be a name. Empty: not told. */
  readonly to: readonly SocketAddress[]
  /** What the tracer calls the proxy; empty: the default of its kind. */
  readonly service: string
}

export type Direction = "inbound" | "outbound" | "unspecified"

export interface SocketAddress {
  readonly host: string
  readonly port: number
}

export interface Listener {
  readonly name: string
  /** What `listener.<…>.` stats are called: stat_prefix, or the address with `.`/`:` as Envoy prints them. */
  readonly statPrefix: string
  readonly direction: Direction
  readonly addresses: readonly SocketAddress[]
  /** Not bound (`bind_to_port: false`): it gets connections that another listener took for these addresses. */
  readonly captured?: boolean
  readonly chains: readonly FilterChain[]
  /** Access logs of the listener itself: connections that no chain took. */
  readonly accessLogs: readonly AccessLogSink[]
}

export interface FilterChain {
  readonly name: string
  readonly destinationPort?: number
  readonly serverNames: readonly string[]
  readonly filter: HttpFilter | TcpFilter | { readonly kind: "other"; readonly name: string }
}

export interface HttpFilter {
  readonly kind: "http"
  /** `http.<statPrefix>.` in stats. */
  readonly statPrefix: string
  /** Name in `routeConfigs`; an inline route configuration is listed there under a made-up unique name. */
  readonly routeConfig: string
  readonly accessLogs: readonly AccessLogSink[]
  /** Whether Envoy itself normalises paths and merges slashes before matching. */
  readonly normalizePath: boolean
  readonly mergeSlashes: boolean
}

export interface TcpFilter {
  readonly kind: "tcp"
  readonly statPrefix: string
  readonly clusters: readonly { readonly name: string; readonly weight: number }[]
  readonly accessLogs: readonly AccessLogSink[]
}

/**
 * One access logger that writes to a file or stream, or streams entries by gRPC. `format` is what decides how its lines are
 * decoded. Path of one that streams: `grpc:` and the name of its cluster or address.
 */
export interface AccessLogSink {
  readonly path: string
  readonly format: AccessLogFormat
  /** The logger has a filter: it writes only some of the requests, so its lines are no count of them. */
  readonly filtered?: boolean
}

export type AccessLogFormat =
  | { readonly kind: "default" }
  | { readonly kind: "text"; readonly text: string }
  /** Nested objects are kept: a value is an operator text, or an object of such. */
  | { readonly kind: "json"; readonly fields: JsonFormat }
  /** Entries that are streamed by gRPC, to a cluster of the proxy or to `host:port`. Names in lower case. */
  | {
      readonly kind: "als"
      readonly cluster?: string
      readonly address?: SocketAddress
      readonly requestHeaders: readonly string[]
      /** `grpc-status` is logged of trailers and of headers, where an answer without a body has it. */
      readonly grpcStatus: boolean
    }
  | { readonly kind: "unsupported"; readonly why: string }
export interface JsonFormat {
  readonly [key: string]: string | JsonFormat
}

export interface RouteConfig {
  readonly name: string
  readonly virtualHosts: readonly VirtualHost[]
  /** `ignore_port_in_host_matching`: the port of an authority does not count. */
  readonly ignorePort?: boolean
}

export interface VirtualHost {
  readonly name: string
  readonly domains: readonly string[]
  readonly routes: readonly EnvoyRoute[]
}

export interface EnvoyStringMatch {
  readonly exact?: string
  readonly prefix?: string
  readonly suffix?: string
  readonly contains?: string
  readonly regex?: string
  readonly ignoreCase?: boolean
}

export interface EnvoyHeaderMatch {
  /** Lower case; pseudo headers as `:method`. */
  readonly name: string
  /** Absent with `present` undefined: the header must be there. */
  readonly match?: EnvoyStringMatch
  readonly present?: boolean
  readonly range?: { readonly start: number; readonly end: number }
  readonly invert: boolean
  readonly treatMissingAsEmpty: boolean
}

export interface EnvoyRoute {
  /** Empty for App Mesh, which names no route. */
  readonly name: string
  readonly match: {
    readonly kind: "prefix" | "path" | "regex" | "path_separated_prefix" | "connect" | "other"
    readonly value: string
    readonly caseSensitive: boolean
    readonly headers: readonly EnvoyHeaderMatch[]
    readonly query: readonly { readonly name: string; readonly match?: EnvoyStringMatch }[]
    readonly grpc: boolean
    /** A runtime fraction below 100 %: the row may be passed over by chance. */
    readonly fractional: boolean
  }
  readonly action:
    | {
        readonly kind: "route"
        readonly clusters: readonly { readonly name: string; readonly weight: number }[]
        /** Cluster chosen by a request header: the name cannot be known from the table. */
        readonly clusterHeader?: string
        readonly prefixRewrite?: string
        readonly regexRewrite?: { readonly regex: string; readonly substitution: string }
        readonly hostRewrite?: string
        readonly timeoutMs?: number
        readonly retries: number
      }
    | { readonly kind: "redirect" }
    | { readonly kind: "direct"; readonly status: number }
    | { readonly kind: "other" }
  readonly requestHeadersToAdd: readonly { readonly name: string; readonly value: string }[]
  /** `aws.appmesh.aggregate_stats` → tags, e.g. TargetVirtualService; Istio's `istio.config`: the object it was made of. */
  readonly tags: Readonly<Record<string, string>>
}

export interface Cluster {
  readonly name: string
  /** What stats call it: `alt_stat_name` or the name with `:` as `_`. */
  readonly statName: string
  /** STATIC, STRICT_DNS, LOGICAL_DNS, EDS, ORIGINAL_DST or the extension's name. */
  readonly type: string
  /** Endpoints that the dump itself tells (STATIC, DNS names). */
  readonly endpoints: readonly SocketAddress[]
  /** `aws.appmesh.aggregate_stats` → tags, e.g. TargetVirtualNode; Istio's `istio.config`, `istio.services` (hosts, by commas). */
  readonly tags: Readonly<Record<string, string>>
  readonly circuitBreakers: {
    readonly connections?: number
    readonly pending?: number
    readonly requests?: number
    readonly retries?: number
  }
}

/** One host as `/clusters?format=json` tells it. */
export interface ClusterHost {
  readonly cluster: string
  readonly address: SocketAddress
  readonly state: "healthy" | "degraded" | "unhealthy" | "ejected"
  /** Per-host counters, e.g. rq_total, rq_error, cx_connect_fail. */
  readonly counters: Readonly<Record<string, number>>
}
