import type { Cluster, SocketAddress, Tracer } from "#mesh/proxy.ts"
import { deep, field, number, someText, text } from "./json.ts"

/** More are no configuration: a proxy has one, or one for each side. */
const MAX_TRACERS = 16

/**
 * Tracers that some connection manager uses: its own `provider`, else the bootstrap's `tracing.http`. A connection
 * manager without `tracing` uses none, so the bootstrap alone says nothing.
 * @param tracing the `tracing` of each connection manager that has one
 */
export function tracersOf(
  bootstrap: unknown,
  tracing: readonly object[],
  clusters: readonly Cluster[],
): readonly Tracer[] {
  const common = deep(bootstrap, "tracing", "http")
  const found = new Map<string, Tracer>()
  for (const one of tracing) {
    const tracer = tracerOf(field(one, "provider") ?? common, clusters)
    if (tracer !== undefined && found.size < MAX_TRACERS) found.set(JSON.stringify(tracer), tracer)
  }
  return [...found.values()]
}

function tracerOf(provider: unknown, clusters: readonly Cluster[]): Tracer | undefined {
  const name = someText(field(provider, "name"))
  if (name === undefined) return undefined
  const kind = kindOf(name)
  const config = field(provider, "typed_config") ?? field(provider, "config")
  return { kind, ...wayOf(kind, config, clusters), service: serviceOf(config) }
}

/** `envoy.tracers.xray`; `envoy.zipkin` before 2020. */
const kindOf = (name: string): string => name.replace(/^envoy\.(?:tracers\.)?/, "").slice(0, 64)

const serviceOf = (config: unknown): string =>
  text(field(config, "segment_name")) || text(field(config, "service_name"))

type Way = Pick<Tracer, "protocol" | "to">

function wayOf(kind: string, config: unknown, clusters: readonly Cluster[]): Way {
  if (kind === "xray") return { protocol: "udp", to: daemonOf(field(config, "daemon_endpoint")) }
  const collector = someText(field(config, "collector_cluster"))
  if (collector !== undefined) return { protocol: "http", to: endpointsOf(collector, clusters) }
  const uri = deep(config, "http_service", "http_uri")
  const cluster = someText(field(uri, "cluster"))
  if (cluster !== undefined) return { protocol: "http", to: endpointsOf(cluster, clusters) }
  const grpc = field(config, "grpc_service")
  const envoyGrpc = someText(deep(grpc, "envoy_grpc", "cluster_name"))
  if (envoyGrpc !== undefined) return { protocol: "grpc", to: endpointsOf(envoyGrpc, clusters) }
  const googleGrpc = someText(deep(grpc, "google_grpc", "target_uri"))
  if (googleGrpc !== undefined) return { protocol: "grpc", to: addressesIn(googleGrpc) }
  return { protocol: "other", to: [] }
}

/** Absent: the X-Ray tracer's own default (source/extensions/tracers/xray/xray_tracer_impl.cc). */
function daemonOf(endpoint: unknown): readonly SocketAddress[] {
  if (endpoint === undefined) return [{ host: "127.0.0.1", port: 2000 }]
  return [{ host: text(field(endpoint, "address")), port: number(field(endpoint, "port_value")) ?? 0 }]
}

const endpointsOf = (name: string, clusters: readonly Cluster[]): readonly SocketAddress[] =>
  clusters.find((cluster) => cluster.name === name)?.endpoints ?? []

/** `host:port`, with or without a resolver before it: `dns:///collector:4317`. */
function addressesIn(target: string): readonly SocketAddress[] {
  const [, host, port] = /^(?:[a-z0-9]+:\/{0,3})?([^/:]{1,253}):(\d{1,5})$/.exec(target) ?? []
  return host === undefined ? [] : [{ host, port: Number(port) }]
}
