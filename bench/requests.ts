/** Requests of a sidecar with eight backends, and how Envoy writes them. Deterministic. */

export interface Request {
  readonly time: string
  readonly method: string
  readonly path: string
  readonly code: number
  readonly flags: string
  readonly received: number
  readonly sent: number
  readonly duration: number
  readonly service: number
  readonly agent: string
  readonly id: string
  readonly authority: string
  readonly cluster: string
  readonly host: string
  readonly local: string
}

/** Virtual services that the sidecar calls; every third request comes in instead. */
export const SERVICES = 8
export const MESH = "prod-mesh"
export const OWN_NODE = "front_prod"
export const INGRESS_CLUSTER = `cds_ingress_${MESH}_${OWN_NODE}_http_8080`

export const serviceName = (index: number): string => `svc-${index}.prod.svc.cluster.local`
export const nodeName = (index: number): string => `svc-${index}_prod`
export const clusterName = (index: number): string => `cds_egress_${MESH}_${nodeName(index)}_http_8080`

const AGENTS = [
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Safari/537.36",
  "grpc-node-js/1.11.1",
  "kube-probe/1.30",
  "curl/8.5.0",
]
/** Two in three hold a number that does not come again. */
const PATHS = [
  "/api/v1/orders",
  "/api/v1/orders/%",
  "/api/v2/users/%/cart",
  "/healthz",
  "/static/app.%.js",
  "/search?q=%&page=2",
]

export function makeRequests(count: number): Request[] {
  let state = 42
  const next = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const pick = (list: readonly string[]): string => list[next(list.length)] ?? ""
  const hex = (digits: number): string =>
    next(16 ** digits)
      .toString(16)
      .padStart(digits, "0")
  return Array.from({ length: count }, (_, index) => {
    const failed = next(100) < 3
    const duration = Math.floor(Math.exp(next(600) / 100))
    const service = next(SERVICES)
    const inbound = next(3) === 0
    return {
      time: new Date(1_790_000_000_000 + index * 3).toISOString(),
      method: next(10) < 7 ? "GET" : "POST",
      path: pick(PATHS).replace("%", String(next(100_000))),
      code: failed ? 503 : next(20) === 0 ? 404 : 200,
      flags: failed ? pick(["UF", "UO", "URX,UF", "UC"]) : "-",
      received: next(900),
      sent: next(90_000),
      duration,
      service: Math.max(0, duration - 1),
      agent: pick(AGENTS),
      id: `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(6)}${hex(6)}`,
      authority: inbound ? "front.prod.svc.cluster.local:8080" : `${serviceName(service)}:8080`,
      cluster: inbound ? INGRESS_CLUSTER : clusterName(service),
      host: inbound ? "127.0.0.1:8080" : `10.1.${next(256)}.${next(256)}:8080`,
      local: inbound ? "10.1.2.3:8080" : `10.100.7.${service}:8080`,
    }
  })
}

/** Envoy's default text format. */
export const textLine = (r: Request): string =>
  `[${r.time}] "${r.method} ${r.path} HTTP/1.1" ${r.code} ${r.flags} ${r.received} ${r.sent} ${r.duration} ${r.service} "-" "${r.agent}" "${r.id}" "${r.authority}" "${r.host}"`

/** The format that we recommend. Keys sorted, missing values null, header values as texts: as Envoy 1.40 prints. */
export function jsonLine(r: Request): string {
  return JSON.stringify({
    attempts: 1,
    authority: r.authority,
    bytes_received: r.received,
    bytes_sent: r.sent,
    downstream_local_address: r.local,
    downstream_remote_address: "10.1.9.9:41234",
    duration: r.duration,
    grpc_status: null,
    method: r.method,
    original_path: null,
    path: r.path,
    protocol: "HTTP/1.1",
    request_id: r.id,
    response_code: r.code,
    response_code_details:
      r.code === 503 ? "upstream_reset_before_response_started{connection_failure}" : "via_upstream",
    response_flags: r.flags,
    route_name: null,
    start_time: r.time,
    termination: null,
    upstream_cluster: r.cluster,
    upstream_host: r.host,
    upstream_service_time: String(r.service),
    user_agent: r.agent,
    x_amzn_trace_id: "Root=1-67891233-abcdef012345678912345678",
  })
}

/** What a container runtime puts before each line. */
export const CRI_FRAME = "2026-11-20T15:53:52.113456789Z stdout F "
