import { isObject } from "#mesh/json-object.ts"
import type {
  Direction,
  FilterChain,
  HttpFilter,
  Listener,
  RouteConfig,
  SocketAddress,
  TcpFilter,
} from "#mesh/proxy.ts"
import { accessLogsOf } from "./access-logs.ts"
import { addressOf, addressText } from "./addresses.ts"
import { deep, field, list, number, someText, text, typeName } from "./json.ts"
import type { Notes } from "./notes.ts"
import { routeConfigOf, weightedClusters } from "./routes.ts"

/** What listeners add to: route configurations that stand inside a filter go to the common list under a made-up name. */
export interface ListenerSinks {
  readonly inlineRoutes: RouteConfig[]
  /** Each connection manager's `tracing`, where it has one. */
  readonly tracing: object[]
  readonly notes: Notes
}

const DIRECTIONS: ReadonlyMap<string, Direction> = new Map([
  ["INBOUND", "inbound"],
  ["OUTBOUND", "outbound"],
])

export function listenerOf(value: unknown, sinks: ListenerSinks): Listener {
  const name = text(field(value, "name"))
  const addresses = addressesOf(value)
  const first = addresses[0]
  const printed = first === undefined ? "" : addressText(first).replaceAll(":", "_")
  const chains = [...list(field(value, "filter_chains")), field(value, "default_filter_chain")].filter(
    isObject,
  )
  return {
    name,
    statPrefix: someText(field(value, "stat_prefix")) ?? printed,
    direction: DIRECTIONS.get(text(field(value, "traffic_direction"))) ?? "unspecified",
    addresses,
    ...(isCaptured(value) ? { captured: true } : {}),
    chains: chains.map((chain, index) => chainOf(chain, `${name}#${index}`, sinks)),
    accessLogs: accessLogsOf(value, sinks.notes),
  }
}

/** Istio's way: one listener takes every connection by its original address, the others only stand behind it. */
function isCaptured(value: unknown): boolean {
  return (field(value, "bind_to_port") ?? deep(value, "deprecated_v1", "bind_to_port")) === false
}

function addressesOf(value: unknown): SocketAddress[] {
  const more = list(field(value, "additional_addresses")).map((one) => field(one, "address"))
  return [field(value, "address"), ...more].map(addressOf).filter((address) => address !== undefined)
}

function chainOf(chain: object, where: string, sinks: ListenerSinks): FilterChain {
  const match = field(chain, "filter_chain_match")
  const destinationPort = number(field(match, "destination_port"))
  return {
    name: text(field(chain, "name")),
    ...(destinationPort === undefined ? {} : { destinationPort }),
    serverNames: list(field(match, "server_names")).map(text),
    filter: lastFilter(list(field(chain, "filters")), where, sinks),
  }
}

/** The filter that ends a chain: a connection manager or TCP proxy; filters before it change no names. */
function lastFilter(filters: readonly unknown[], where: string, sinks: ListenerSinks): FilterChain["filter"] {
  for (const filter of filters) {
    const config = field(filter, "typed_config") ?? field(filter, "config")
    const name = text(field(filter, "name"))
    const type = typeName(config)
    if (type === "HttpConnectionManager" || (type === "" && name.endsWith("http_connection_manager"))) {
      return httpFilter(config, where, sinks)
    }
    if (type === "TcpProxy" || (type === "" && name.endsWith("tcp_proxy"))) return tcpFilter(config, sinks)
  }
  const name = text(field(filters.at(-1), "name"))
  sinks.notes.add(`filter chain ${where} ends in ${name || "no filter"}, which is neither HTTP nor TCP`)
  return { kind: "other", name }
}

function httpFilter(config: unknown, where: string, sinks: ListenerSinks): HttpFilter {
  const inline = field(config, "route_config")
  let routeConfig = text(field(field(config, "rds"), "route_config_name"))
  if (isObject(inline)) {
    routeConfig = `${where}/${text(field(inline, "name"))}`
    sinks.inlineRoutes.push(routeConfigOf(inline, routeConfig))
  }
  const tracing = field(config, "tracing")
  if (isObject(tracing)) sinks.tracing.push(tracing)
  if (routeConfig === "") sinks.notes.add(`filter chain ${where} names no route configuration`)
  return {
    kind: "http",
    statPrefix: text(field(config, "stat_prefix")),
    routeConfig,
    accessLogs: accessLogsOf(config, sinks.notes),
    normalizePath: field(config, "normalize_path") === true,
    mergeSlashes: field(config, "merge_slashes") === true,
  }
}

function tcpFilter(config: unknown, sinks: ListenerSinks): TcpFilter {
  const single = someText(field(config, "cluster"))
  return {
    kind: "tcp",
    statPrefix: text(field(config, "stat_prefix")),
    clusters:
      single === undefined
        ? weightedClusters(field(config, "weighted_clusters"))
        : [{ name: single, weight: 1 }],
    accessLogs: accessLogsOf(config, sinks.notes),
  }
}
