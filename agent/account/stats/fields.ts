/**
 * The series that accounting reads, with every dot written as an underscore, so that raw and Prometheus names compare
 * alike. Sources: Envoy's pages "Cluster manager / Statistics", "HTTP connection manager / Statistics", "TCP proxy",
 * "Server / Statistics"; what each of them counts was measured (docs/decisions).
 */
export const CLUSTER_FIELDS = [
  "upstream_rq_2xx",
  "upstream_rq_3xx",
  "upstream_rq_4xx",
  "upstream_rq_5xx",
  // An upgrade is the only 1xx that ends a request; 100 and 103 come before another answer.
  "upstream_rq_101",
  "upstream_rq_total",
  "upstream_rq_active",
  "upstream_rq_timeout",
  "upstream_rq_per_try_timeout",
  "upstream_rq_max_duration_reached",
  "upstream_rq_pending_overflow",
  "upstream_rq_active_overflow",
  "upstream_rq_pending_failure_eject",
  "upstream_rq_retry",
  "upstream_rq_retry_limit_exceeded",
  "upstream_rq_rx_reset",
  "upstream_rq_maintenance_mode",
  "upstream_internal_redirect_succeeded_total",
  "upstream_cx_total",
  "upstream_cx_active",
  "upstream_cx_destroy",
  "upstream_cx_destroy_local_with_active_rq",
  "upstream_cx_destroy_remote_with_active_rq",
  "upstream_cx_protocol_error",
  "upstream_cx_connect_fail",
  "upstream_cx_connect_timeout",
  "upstream_cx_connect_attempts_exceeded",
  "upstream_cx_none_healthy",
  "upstream_cx_overflow",
  "upstream_cx_pool_overflow",
  "upstream_cx_rx_bytes_total",
  "upstream_cx_tx_bytes_total",
  "http2_rx_reset",
  "http2_tx_reset",
  "ssl_connection_error",
  "ssl_fail_verify_no_cert",
  "ssl_fail_verify_error",
  "ssl_fail_verify_san",
  "ssl_fail_verify_cert_hash",
  "membership_change",
  "circuit_breakers_default_cx_open",
  "circuit_breakers_default_rq_pending_open",
  "circuit_breakers_default_rq_open",
  "circuit_breakers_default_rq_retry_open",
  // Not series of Envoy's own: gRPC statuses by what they mean, added up over methods.
  "~grpc_ok",
  "~grpc_client_error",
  "~grpc_error",
] as const
export type ClusterField = (typeof CLUSTER_FIELDS)[number]

export const HTTP_FIELDS = [
  "downstream_rq_2xx",
  "downstream_rq_3xx",
  "downstream_rq_4xx",
  "downstream_rq_5xx",
  "downstream_rq_total",
  "downstream_rq_active",
  "downstream_rq_rx_reset",
  "downstream_rq_tx_reset",
  "downstream_rq_response_before_rq_complete",
  "downstream_rq_idle_timeout",
  "downstream_cx_protocol_error",
  "downstream_cx_upgrades_total",
  "downstream_cx_upgrades_active",
  "health_check_request_total",
  "tracing_health_check",
  "no_route",
  "no_cluster",
  "fault_aborts_injected",
  "ext_authz_denied",
  "ext_authz_error",
] as const
export type HttpField = (typeof HTTP_FIELDS)[number]

export const TCP_FIELDS = ["downstream_cx_total", "downstream_cx_no_route"] as const
export type TcpField = (typeof TCP_FIELDS)[number]

export const LISTENER_FIELDS = ["no_filter_chain_match"] as const
export type ListenerField = (typeof LISTENER_FIELDS)[number]

export const GLOBAL_FIELDS = [
  "server_hot_restart_epoch",
  "server_uptime",
  // Seconds since sums were begun of what an Envoy sends; only where it sends.
  "pushed_age",
  "server_state",
  "server_live",
  "server_memory_allocated",
  "server_memory_physical_size",
  "control_plane_connected_state",
  "filesystem_write_failed",
  "cluster_manager_cds_update_rejected",
  "listener_manager_lds_update_rejected",
  "cluster_manager_cds_version",
  "listener_manager_lds_version",
  "cluster_manager_cds_config_reload_time_ms",
  "listener_manager_lds_config_reload_time_ms",
  // Added up over route configurations, clusters and secrets.
  "~rds_update_rejected",
  "~eds_update_rejected",
  "~sds_update_rejected",
  "~rds_version",
  "~rds_config_reload_time_ms",
] as const
export type GlobalField = (typeof GLOBAL_FIELDS)[number]

/** Gauges are taken as they are; all others are counters, of which the difference counts. */
export const GAUGES: ReadonlySet<string> = new Set<ClusterField | HttpField | GlobalField>([
  "upstream_rq_active",
  "upstream_cx_active",
  "circuit_breakers_default_cx_open",
  "circuit_breakers_default_rq_pending_open",
  "circuit_breakers_default_rq_open",
  "circuit_breakers_default_rq_retry_open",
  "downstream_rq_active",
  "downstream_cx_upgrades_active",
  "server_hot_restart_epoch",
  "server_uptime",
  "pushed_age",
  "server_state",
  "server_live",
  "server_memory_allocated",
  "server_memory_physical_size",
  "control_plane_connected_state",
  "cluster_manager_cds_version",
  "listener_manager_lds_version",
  "cluster_manager_cds_config_reload_time_ms",
  "listener_manager_lds_config_reload_time_ms",
  "~rds_version",
  "~rds_config_reload_time_ms",
])

const GRPC_FIELDS = ["~grpc_ok", "~grpc_client_error", "~grpc_error"] as const
/** UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS: see mesh/outcome.ts. */
const GRPC_ERRORS: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15])

/** The field of a cluster's series, its rest written with underscores; undefined for what is not read. */
export function clusterField(rest: string): ClusterField | undefined {
  const plain = CLUSTER_FIELDS.find((field) => field === rest)
  if (plain !== undefined) return plain
  const status = /^grpc_(?:.+_)?(\d{1,2})$/.exec(rest)?.[1]
  if (status === undefined || Number(status) > 16) return undefined
  return GRPC_FIELDS[status === "0" ? 0 : GRPC_ERRORS.has(Number(status)) ? 2 : 1]
}

export function httpField(rest: string): HttpField | undefined {
  return HTTP_FIELDS.find((field) => field === rest)
}

export function tcpField(rest: string): TcpField | undefined {
  return TCP_FIELDS.find((field) => field === rest)
}

export function listenerField(rest: string): ListenerField | undefined {
  return LISTENER_FIELDS.find((field) => field === rest)
}

/** Series of no owner, of route configurations (`rds_<name>_…`, below a connection manager) and of secrets. */
export function globalField(rest: string): GlobalField | undefined {
  const plain = GLOBAL_FIELDS.find((field) => field === rest)
  if (plain !== undefined) return plain
  if (/^sds_.*update_rejected$/.test(rest)) return "~sds_update_rejected"
  const below = /^rds_.*?(update_rejected|version|config_reload_time_ms)$/.exec(rest)?.[1]
  if (below === "update_rejected") return "~rds_update_rejected"
  if (below === "version") return "~rds_version"
  return below === undefined ? undefined : "~rds_config_reload_time_ms"
}
