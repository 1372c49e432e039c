/** What a structured line can hold, by name, with what it means. Names of the mesh are those of the metrics' labels. */
export const LINE_MEMBERS = {
  time: "When the request began, UTC, to the millisecond.",
  time_from: "`read` where the line told no time that can be understood: `time` is when it was read.",
  mesh: "Mesh.",
  flavor: "Which mesh product configured the proxy.",
  cluster: "Cluster that the agent runs in, as its configuration says.",
  proxy: "Proxy that wrote the line.",
  reporter: "Who saw the request: `gateway`, `source` or `destination`.",
  virtual_gateway: "Virtual gateway.",
  gateway_route: "Gateway route.",
  virtual_service: "Virtual service that was called.",
  virtual_router: "Virtual router.",
  route: "Route.",
  source: "Virtual node that called.",
  virtual_node: "Virtual node that answered.",
  protocol: "`http`, `http2`, `grpc` or `tcp`.",
  health_check: "`true` for a request of a health checker.",
  method: "HTTP method.",
  path: "Path as it was forwarded, after a rewrite; without its query unless `query: keep`.",
  original_path:
    "Path as the caller sent it, where a rewrite took place; without its query unless `query: keep`.",
  authority: "Host that the caller named.",
  details: "Why the proxy answered as it did: Envoy's response code details.",
  termination: "Why the proxy closed the connection: Envoy's connection termination details.",
  upstream_host: "Address that answered.",
  user_agent: "What the caller calls itself.",
  request_id: "`x-request-id`.",
  code: "HTTP status; 0 when none was sent.",
  grpc_status: "gRPC status number.",
  flags: "Envoy's response flags, sorted; `-` for none.",
  outcome: "`ok`, `client_error`, `error` or `aborted`, as in the metrics.",
  answered_by: "`app`: the proxy's upstream; `proxy`: the proxy itself; `unknown`.",
  attempts: "Attempts to reach the upstream, retries included.",
  duration_ms: "Whole time of the request or connection, ms.",
  upstream_ms: "Time that the upstream took, ms.",
  request_bytes: "Bytes of the body from the caller.",
  response_bytes: "Bytes of the body to the caller.",
  trace_id: "Trace, in X-Ray's form where its header was logged, else 32 digits.",
  trace_sampled: "Whether the trace was sampled; left out where the header does not tell.",
  doubt: "Why the names may be wrong or missing.",
  truncated: "`true` where long texts were cut to fit the receiver's limit.",
} as const
export type LineMember = keyof typeof LINE_MEMBERS

/** `,"name":` */
export function memberHead(name: LineMember): Buffer {
  return Buffer.from(`,"${name}":`)
}

/** A whole member whose value never changes: `,"name":value`. */
export function wholeMember(name: LineMember, value: string | true | false): Buffer {
  return Buffer.from(`,"${name}":${JSON.stringify(value)}`)
}
