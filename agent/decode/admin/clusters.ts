import type { ClusterHost } from "#mesh/proxy.ts"
import { deep, field, list, number, text } from "../config-dump/json.ts"
import { pageJson } from "./page.ts"

/**
 * Hosts of every cluster, from `/clusters?format=json`. Proto JSON leaves zeros and defaults out: an absent counter is
 * 0, an absent health is healthy. Clusters without endpoints (ORIGINAL_DST) have none.
 * @throws MeshscopeError ADMIN_BAD_ANSWER
 */
export function decodeClusters(bytes: Buffer): readonly ClusterHost[] {
  return list(field(pageJson(bytes, "/clusters"), "cluster_statuses")).flatMap((cluster) => {
    const name = text(field(cluster, "name"))
    return list(field(cluster, "host_statuses")).map((host) => ({
      cluster: name,
      address: addressOf(host),
      state: stateOf(field(host, "health_status")),
      counters: Object.fromEntries(
        list(field(host, "stats")).map((stat) => [
          text(field(stat, "name")),
          number(field(stat, "value")) ?? 0,
        ]),
      ),
    }))
  })
}

/** A Unix socket has no port: its path stands for the host. */
function addressOf(host: unknown): ClusterHost["address"] {
  const socket = deep(host, "address", "socket_address")
  const path = text(deep(host, "address", "pipe", "path"))
  return { host: text(field(socket, "address")) || path, port: number(field(socket, "port_value")) ?? 0 }
}

/** Ejected is what outlier detection did; unhealthy what a health check or the endpoint service said. */
function stateOf(health: unknown): ClusterHost["state"] {
  if (field(health, "failed_outlier_check") === true) return "ejected"
  const failed = [
    "failed_active_health_check",
    "pending_dynamic_removal",
    "pending_active_hc",
    "excluded_via_immediate_hc_fail",
    "active_hc_timeout",
  ]
  if (failed.some((key) => field(health, key) === true)) return "unhealthy"
  const eds = text(field(health, "eds_health_status"))
  if (eds === "UNHEALTHY" || eds === "TIMEOUT" || eds === "DRAINING") return "unhealthy"
  const degraded =
    eds === "DEGRADED" ||
    field(health, "failed_active_degraded_check") === true ||
    field(health, "failed_degraded_outlier_detection") === true
  return degraded ? "degraded" : "healthy"
}
