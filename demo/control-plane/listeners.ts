import type { DeclaredAccessLog } from "#mesh/declared.ts"
import { accessLogs } from "./access-log.ts"
import { aggregateStats, type JsonObject, packed, socketAddress } from "./json.ts"
import { allowAllName, awsName } from "./names.ts"

/** What all filters of one proxy share. */
export interface FilterContext {
  /** Folder that holds the route configurations. */
  readonly folder: string
  readonly accessLog: DeclaredAccessLog | undefined
}

const HCM = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"

export function httpFilter(statPrefix: string, routeConfig: string, context: FilterContext): JsonObject {
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: packed(HCM, {
      stat_prefix: statPrefix,
      rds: {
        config_source: {
          resource_api_version: "V3",
          path_config_source: { path: `${context.folder}/${routeConfig}.json` },
        },
        route_config_name: routeConfig,
      },
      http_filters: [
        {
          name: "envoy.filters.http.router",
          typed_config: packed("envoy.extensions.filters.http.router.v3.Router"),
        },
      ],
      tracing: {},
      access_log: accessLogs(context.accessLog),
      upgrade_configs: [{ upgrade_type: "websocket", enabled: true }],
      normalize_path: true,
      merge_slashes: true,
      path_with_escaped_slashes_action: "KEEP_UNCHANGED",
    }),
  }
}

export function tcpFilter(
  statPrefix: string,
  target: JsonObject,
  accessLog: DeclaredAccessLog | undefined,
): JsonObject {
  return {
    name: "envoy.filters.network.tcp_proxy",
    typed_config: packed("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", {
      stat_prefix: statPrefix,
      ...target,
      access_log: accessLogs(accessLog),
    }),
  }
}

export const onPort = (port: number, filter: JsonObject): JsonObject => ({
  filter_chain_match: { destination_port: port },
  filters: [filter],
})

/**
 * Chains behind the declared backends: AWS's own hosts always, everything else where the mesh allows it. Envoy looks at
 * the port first and never comes back to a chain without one, so everything else has a chain for port 443 too
 * (aws-app-mesh-roadmap#79; djannot/envoyctl#2 has the three).
 */
export function passThroughChains(
  mesh: string,
  allowAll: boolean,
  accessLog: DeclaredAccessLog | undefined,
): readonly JsonObject[] {
  const anyAddress = { prefix_ranges: [{ address_prefix: "0.0.0.0", prefix_len: 0 }] }
  const aws = {
    filter_chain_match: { ...anyAddress, destination_port: 443, server_names: ["*.amazonaws.com"] },
    filters: [tcpFilter("egress", { cluster: awsName(mesh) }, accessLog)],
  }
  const rest = [anyAddress, { ...anyAddress, destination_port: 443 }].map((match) => ({
    filter_chain_match: match,
    filters: [tcpFilter("egress", { cluster: allowAllName(mesh) }, accessLog)],
  }))
  return allowAll ? [aws, ...rest] : [aws]
}

const listenerFilter = (name: string, type: string, fields: JsonObject = {}): JsonObject => ({
  name: `envoy.filters.listener.${name}`,
  typed_config: packed(`envoy.extensions.filters.listener.${name}.v3.${type}`, fields),
})
export const originalDestination = listenerFilter("original_dst", "OriginalDst")
export const tlsInspector = listenerFilter("tls_inspector", "TlsInspector")
/**
 * Not App Mesh's: a caller may say where it wanted to go, as iptables would. Connections without the header pass as
 * they are. Only so can calls leave the mesh on loopback.
 */
export const sayDestination = listenerFilter("proxy_protocol", "ProxyProtocol", {
  allow_requests_without_proxy_protocol: true,
})

export interface ListenerShape {
  readonly name: string
  readonly direction: "INBOUND" | "OUTBOUND"
  readonly address: string
  readonly port: number
  /** Further ports of the same address: what iptables would redirect here. */
  readonly redirected: readonly number[]
  readonly chains: readonly JsonObject[]
  readonly filters: readonly JsonObject[]
}

/** `stat_prefix` keeps the stats' name as on 0.0.0.0, which the addresses on loopback would change. */
export function listener(shape: ListenerShape): JsonObject {
  const more = shape.redirected.filter((port) => port !== shape.port)
  return packed("envoy.config.listener.v3.Listener", {
    name: shape.name,
    stat_prefix: shape.name.replace(/^lds_[a-z]+_/, ""),
    address: socketAddress(shape.address, shape.port),
    ...(more.length === 0
      ? {}
      : { additional_addresses: more.map((port) => ({ address: socketAddress(shape.address, port) })) }),
    filter_chains: shape.chains,
    metadata: aggregateStats({}),
    listener_filters: shape.filters,
    traffic_direction: shape.direction,
  })
}
