/** The one list of metrics. Names, labels, units and help of everything that is exposed, exported, stored and drawn. */
export type MetricType = "counter" | "gauge" | "histogram"

export interface Metric {
  readonly name: string
  readonly type: MetricType
  /** UCUM unit as OTLP wants it: `s`, `By`, `1`, `{request}`. */
  readonly unit: string
  readonly help: string
  /** Labels it may carry beside the common ones, in the order they are written. */
  readonly labels: readonly string[]
}

/** On every series. Empty labels are left out. */
export const COMMON_LABELS = ["mesh", "flavor", "cluster"] as const

/** Names a gateway's own route or a router's route. A service that sits on a node has neither router nor route. */
export const ROUTE_KEY = [
  "virtual_gateway",
  "gateway_route",
  "virtual_service",
  "virtual_router",
  "route",
] as const

const requestKey = ["reporter", ...ROUTE_KEY, "source", "virtual_node"] as const

export const METRICS = {
  requests: {
    name: "mesh_requests_total",
    type: "counter",
    unit: "{request}",
    help: "Requests by final answer, each counted once per reporter.",
    labels: [...requestKey, "protocol", "code_class", "outcome", "provenance"],
  },
  failures: {
    name: "mesh_request_failures_total",
    type: "counter",
    unit: "{request}",
    help: "Requests that did not end ok, with Envoy's response flags and who answered.",
    labels: [...requestKey, "protocol", "outcome", "provenance", "flag", "answered_by"],
  },
  responses: {
    name: "mesh_responses_total",
    type: "counter",
    unit: "{response}",
    help: "Responses by exact code (opt-in).",
    labels: ["reporter", ...ROUTE_KEY, "code", "grpc_status"],
  },
  duration: {
    name: "mesh_request_duration_seconds",
    type: "histogram",
    unit: "s",
    help: "What the caller waited.",
    labels: ["reporter", ...ROUTE_KEY, "virtual_node", "outcome", "provenance"],
  },
  upstreamDuration: {
    name: "mesh_upstream_duration_seconds",
    type: "histogram",
    unit: "s",
    help: "What the upstream took.",
    labels: ["source", "virtual_gateway", "virtual_node", "provenance"],
  },
  requestBytes: {
    name: "mesh_request_bytes_total",
    type: "counter",
    unit: "By",
    help: "Bytes of request bodies.",
    labels: ["reporter", ...ROUTE_KEY, "virtual_node"],
  },
  responseBytes: {
    name: "mesh_response_bytes_total",
    type: "counter",
    unit: "By",
    help: "Bytes of response bodies.",
    labels: ["reporter", ...ROUTE_KEY, "virtual_node"],
  },
  attempts: {
    name: "mesh_request_attempts_total",
    type: "counter",
    unit: "{attempt}",
    help: "Upstream attempts, retries included.",
    labels: ["reporter", ...ROUTE_KEY, "virtual_node"],
  },
  healthChecks: {
    name: "mesh_health_check_requests_total",
    type: "counter",
    unit: "{request}",
    help: "Requests of health checkers, which count nowhere else.",
    labels: ["virtual_node", "virtual_gateway"],
  },
  tcpOpened: {
    name: "mesh_tcp_connections_opened_total",
    type: "counter",
    unit: "{connection}",
    help: "TCP connections opened.",
    labels: ["reporter", "virtual_service", "source", "virtual_node", "provenance"],
  },
  tcpClosed: {
    name: "mesh_tcp_connections_closed_total",
    type: "counter",
    unit: "{connection}",
    help: "TCP connections closed, by outcome where it is known.",
    labels: ["reporter", "virtual_service", "source", "virtual_node", "outcome", "provenance"],
  },
  tcpSent: {
    name: "mesh_tcp_sent_bytes_total",
    type: "counter",
    unit: "By",
    help: "Bytes sent to the caller.",
    labels: ["reporter", "virtual_service", "source", "virtual_node", "provenance"],
  },
  tcpReceived: {
    name: "mesh_tcp_received_bytes_total",
    type: "counter",
    unit: "By",
    help: "Bytes received from the caller.",
    labels: ["reporter", "virtual_service", "source", "virtual_node", "provenance"],
  },
  activeConnections: {
    name: "mesh_active_connections",
    type: "gauge",
    unit: "{connection}",
    help: "Open connections to a node.",
    labels: ["source", "virtual_gateway", "virtual_node"],
  },
  activeRequests: {
    name: "mesh_active_requests",
    type: "gauge",
    unit: "{request}",
    help: "Requests under way to a node.",
    labels: ["source", "virtual_gateway", "virtual_node"],
  },
  connectionFailures: {
    name: "mesh_connection_failures_total",
    type: "counter",
    unit: "{connection}",
    help: "Upstream connections that failed, by reason.",
    labels: ["source", "virtual_gateway", "virtual_node", "reason"],
  },
  breakerOpen: {
    name: "mesh_circuit_breaker_open",
    type: "gauge",
    unit: "1",
    help: "1 while a circuit breaker refuses.",
    labels: ["source", "virtual_gateway", "virtual_node", "limit"],
  },
  breakerLimit: {
    name: "mesh_circuit_breaker_limit",
    type: "gauge",
    unit: "1",
    help: "A circuit breaker's limit.",
    labels: ["source", "virtual_gateway", "virtual_node", "limit"],
  },
  unaccounted: {
    name: "mesh_unaccounted_requests_total",
    type: "counter",
    unit: "{request}",
    help: "Requests that a listener counted and nothing accounted for; the smallest gap over the last 60 s.",
    labels: ["virtual_node", "virtual_gateway", "reporter"],
  },
  unmapped: {
    name: "mesh_unmapped_requests_total",
    type: "counter",
    unit: "{request}",
    help: "Requests that could not be given to a resource or only with a doubt, by reason.",
    labels: ["virtual_node", "virtual_gateway", "proxy", "reason"],
  },
  upstreamHosts: {
    name: "mesh_upstream_hosts",
    type: "gauge",
    unit: "{host}",
    help: "Hosts of a node as one client sees them.",
    labels: ["source", "virtual_gateway", "virtual_node", "state"],
  },
  certificateExpiry: {
    name: "mesh_tls_certificate_expiry_timestamp_seconds",
    type: "gauge",
    unit: "s",
    help: "When a certificate expires.",
    labels: ["virtual_node", "virtual_gateway", "certificate"],
  },
  proxyInfo: {
    name: "mesh_proxy_info",
    type: "gauge",
    unit: "1",
    help: "One per proxy, with its Envoy version, how its requests are counted, what is missing, and which way its spans go.",
    labels: ["virtual_node", "virtual_gateway", "proxy", "version", "provenance", "missing", "spans"],
  },
  proxyUp: {
    name: "mesh_proxy_up",
    type: "gauge",
    unit: "1",
    help: "1 when the last scrape of the proxy worked.",
    labels: ["virtual_node", "virtual_gateway", "proxy"],
  },
  proxyState: {
    name: "mesh_proxy_state",
    type: "gauge",
    unit: "1",
    help: "1 for the state that the proxy is in.",
    labels: ["virtual_node", "virtual_gateway", "proxy", "state"],
  },
  proxyProblem: {
    name: "mesh_proxy_problem",
    type: "gauge",
    unit: "1",
    help: "1 for each admin page of the proxy that could not be read when it was last asked for, with the reason.",
    labels: ["virtual_node", "virtual_gateway", "proxy", "page", "reason"],
  },
  proxyUptime: {
    name: "mesh_proxy_uptime_seconds",
    type: "gauge",
    unit: "s",
    help: "Seconds since the proxy's current epoch began.",
    labels: ["virtual_node", "virtual_gateway", "proxy"],
  },
  proxyMemory: {
    name: "mesh_proxy_memory_bytes",
    type: "gauge",
    unit: "By",
    help: "Memory that the proxy allocated.",
    labels: ["virtual_node", "virtual_gateway", "proxy"],
  },
  controlPlane: {
    name: "mesh_proxy_control_plane_connected",
    type: "gauge",
    unit: "1",
    help: "1 while the proxy has a control plane.",
    labels: ["virtual_node", "virtual_gateway", "proxy"],
  },
  configAge: {
    name: "mesh_proxy_config_age_seconds",
    type: "gauge",
    unit: "s",
    help: "Seconds since the proxy's configuration last changed.",
    labels: ["virtual_node", "virtual_gateway", "proxy"],
  },
  xdsRejected: {
    name: "mesh_proxy_xds_rejected_total",
    type: "counter",
    unit: "{update}",
    help: "Configuration updates that the proxy refused.",
    labels: ["virtual_node", "virtual_gateway", "proxy", "type"],
  },
  logWriteFailures: {
    name: "mesh_proxy_log_write_failures_total",
    type: "counter",
    unit: "{write}",
    help: "Log writes that failed in the proxy: lines are being lost.",
    labels: ["virtual_node", "virtual_gateway", "proxy"],
  },
  resourceInfo: {
    name: "mesh_resource_info",
    type: "gauge",
    unit: "1",
    help: "One per declared resource, with its parents, and for a service or gateway route where it leads.",
    labels: [
      "kind",
      "name",
      "virtual_gateway",
      "virtual_service",
      "virtual_router",
      "virtual_node",
      "native_kind",
      "native_name",
      "namespace",
    ],
  },
  routeWeight: {
    name: "mesh_route_weight",
    type: "gauge",
    unit: "1",
    help: "Declared weight of a target, 0 included.",
    labels: [...ROUTE_KEY, "virtual_node"],
  },
  objective: {
    name: "mesh_slo_objective",
    type: "gauge",
    unit: "1",
    help: "Share of requests that should not fail; where nobody declared one, the default of 0.999.",
    labels: [...ROUTE_KEY, "origin"],
  },
} as const satisfies Readonly<Record<string, Metric>>
export type MetricKey = keyof typeof METRICS

/** Upper bounds of every duration histogram, seconds; each is a boundary of Envoy's defaults. +Inf follows. */
export const DURATION_BOUNDS = [
  0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
] as const
