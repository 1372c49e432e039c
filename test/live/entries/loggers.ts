import { socketAddress } from "../../../demo/control-plane/json.ts"
import type { Pod } from "../../../demo/control-plane/placement.ts"
import { isObject } from "../../../mesh/json-object.ts"

type Files = ReadonlyMap<string, string>

const CLUSTER = "meshscope_access_logs"
const TYPES = "type.googleapis.com/envoy.extensions.access_loggers.grpc.v3"

/**
 * Adds loggers that stream to `port` of this host to every filter of an Envoy, as an EnvoyFilter or a bootstrap of one's own
 * does. The stream comes from the pod's own address.
 * @param headers further request headers to log
 */
export function streaming(port: number, headers: readonly string[]) {
  return (pod: Pod, files: Files): Files =>
    new Map(
      [...files].map(([name, text]) => {
        if (name === "bootstrap.json") return [name, withCluster(text, pod.address, port)]
        return [name, name === "lds.json" ? withLoggers(text, headers) : text]
      }),
    )
}

function withCluster(text: string, from: string, port: number): string {
  const bootstrap: unknown = JSON.parse(text)
  const endpoint = { endpoint: { address: socketAddress("127.0.0.1", port) } }
  const cluster = {
    name: CLUSTER,
    type: "STATIC",
    connect_timeout: "1s",
    upstream_bind_config: { source_address: { address: from, port_value: 0 } },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: { cluster_name: CLUSTER, endpoints: [{ lb_endpoints: [endpoint] }] },
  }
  return JSON.stringify(Object.assign({}, bootstrap, { static_resources: { clusters: [cluster] } }))
}

function withLoggers(text: string, headers: readonly string[]): string {
  const all: unknown = JSON.parse(text)
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit)
    else if (isObject(value)) {
      const type: unknown = Reflect.get(value, "@type")
      if (typeof type !== "string") {
        // A part without a type of its own.
      } else if (type.endsWith(".HttpConnectionManager")) addLogger(value, httpLogger(headers))
      else if (type.endsWith(".TcpProxy")) addLogger(value, tcpLogger)
      Object.values(value).forEach(visit)
    }
  }
  visit(all)
  return JSON.stringify(all)
}

function addLogger(filter: object, logger: object): void {
  const there: unknown = Reflect.get(filter, "access_log")
  Reflect.set(filter, "access_log", [...(Array.isArray(there) ? there : []), logger])
}

const common = {
  log_name: "meshscope",
  transport_api_version: "V3",
  buffer_flush_interval: "0.2s",
  grpc_service: { envoy_grpc: { cluster_name: CLUSTER } },
}

const httpLogger = (headers: readonly string[]) => ({
  name: "envoy.access_loggers.http_grpc",
  typed_config: {
    "@type": `${TYPES}.HttpGrpcAccessLogConfig`,
    common_config: common,
    additional_request_headers_to_log: ["x-amzn-trace-id", "content-type", ...headers],
    // An answer without a body has its status in the headers.
    additional_response_headers_to_log: ["grpc-status"],
    additional_response_trailers_to_log: ["grpc-status"],
  },
})

const tcpLogger = {
  name: "envoy.access_loggers.tcp_grpc",
  typed_config: { "@type": `${TYPES}.TcpGrpcAccessLogConfig`, common_config: common },
}
