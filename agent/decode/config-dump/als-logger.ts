import { socketAddress } from "#mesh/address.ts"
import type { AccessLogSink } from "#mesh/proxy.ts"
import { deep, field, list, someText } from "./json.ts"

/** Types of gRPC access loggers, and their names where no type is told (2019). */
const ALS = new Set([
  "HttpGrpcAccessLogConfig",
  "TcpGrpcAccessLogConfig",
  "envoy.http_grpc_access_log",
  "envoy.tcp_grpc_access_log",
  "envoy.access_loggers.http_grpc",
  "envoy.access_loggers.tcp_grpc",
])
/** More names of headers are no configuration. */
const MOST_NAMES = 100

/**
 * A logger that streams entries (envoy.extensions.access_loggers.grpc.v3, als.proto).
 * @param type without its package, or the logger's name where it has no type
 * @returns undefined for any other logger
 */
export function alsSinkOf(config: unknown, type: string): AccessLogSink | undefined {
  if (!ALS.has(type)) return undefined
  const service = deep(config, "common_config", "grpc_service")
  const cluster = someText(deep(service, "envoy_grpc", "cluster_name"))
  const uri = someText(deep(service, "google_grpc", "target_uri"))
  const address = uri === undefined ? undefined : socketAddress(uri.replace(/^[a-z0-9]+:\/{2,3}/, ""))
  return {
    path: `grpc:${cluster ?? uri ?? ""}`,
    format: {
      kind: "als",
      ...(cluster === undefined ? {} : { cluster }),
      ...(address === undefined ? {} : { address }),
      requestHeaders: namesOf(config, "additional_request_headers_to_log"),
      grpcStatus: ["headers", "trailers"].every((part) =>
        namesOf(config, `additional_response_${part}_to_log`).includes("grpc-status"),
      ),
    },
  }
}

const namesOf = (config: unknown, key: string): readonly string[] =>
  list(field(config, key))
    .filter((name) => typeof name === "string")
    .slice(0, MOST_NAMES)
    .map((name) => name.toLowerCase())
