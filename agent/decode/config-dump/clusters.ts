import type { Cluster, SocketAddress } from "#mesh/proxy.ts"
import { addressOf, endpointsOf } from "./addresses.ts"
import { field, list, number, someText, text } from "./json.ts"
import { tagsOf } from "./tags.ts"

/** A cluster; `known` are endpoints from the EDS section by service name. */
export function clusterOf(value: unknown, known: ReadonlyMap<string, readonly SocketAddress[]>): Cluster {
  const name = text(field(value, "name"))
  const service = someText(field(field(value, "eds_cluster_config"), "service_name")) ?? name
  const own = endpointsOf(field(value, "load_assignment"))
  return {
    name,
    statName: statNameOf(someText(field(value, "alt_stat_name")) ?? name),
    type: text(field(value, "type")) || text(field(field(value, "cluster_type"), "name")) || "STATIC",
    endpoints: own.length > 0 ? own : (known.get(service) ?? oldHosts(value)),
    tags: tagsOf(value),
    circuitBreakers: breakersOf(value),
  }
}

/** In stats a colon of a name becomes `_` (Envoy, `Stats::Utility::sanitizeStatsName`). */
function statNameOf(name: string): string {
  return name.replaceAll(":", "_")
}

/** Before 2020 endpoints stood in `hosts`. */
function oldHosts(value: unknown): SocketAddress[] {
  return list(field(value, "hosts"))
    .map(addressOf)
    .filter((address) => address !== undefined)
}

/** Limits of the default priority; those of `HIGH` guard nothing that meshes route. */
function breakersOf(value: unknown): Cluster["circuitBreakers"] {
  const thresholds = list(field(field(value, "circuit_breakers"), "thresholds"))
  const standard = thresholds.find((one) => (field(one, "priority") ?? "DEFAULT") === "DEFAULT")
  const limits = {
    connections: number(field(standard, "max_connections")),
    pending: number(field(standard, "max_pending_requests")),
    requests: number(field(standard, "max_requests")),
    retries: number(field(standard, "max_retries")),
  }
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined))
}
