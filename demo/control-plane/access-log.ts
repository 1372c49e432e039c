import type { DeclaredAccessLog } from "#mesh/declared.ts"
import { type JsonObject, packed } from "./json.ts"

/** What we recommend as `logging.accessLog.file.format.json`: enough to name route, target and cause of every request. */
export const RECOMMENDED_JSON: Readonly<Record<string, string>> = {
  start_time: "%START_TIME%",
  method: "%REQ(:METHOD)%",
  path: "%REQ(:PATH)%",
  original_path: "%REQ(X-ENVOY-ORIGINAL-PATH)%",
  protocol: "%PROTOCOL%",
  authority: "%REQ(:AUTHORITY)%",
  response_code: "%RESPONSE_CODE%",
  response_code_details: "%RESPONSE_CODE_DETAILS%",
  response_flags: "%RESPONSE_FLAGS%",
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  duration: "%DURATION%",
  upstream_service_time: "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
  upstream_cluster: "%UPSTREAM_CLUSTER%",
  upstream_host: "%UPSTREAM_HOST%",
  attempts: "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
  grpc_status: "%GRPC_STATUS_NUMBER%",
  route_name: "%ROUTE_NAME%",
  downstream_local_address: "%DOWNSTREAM_LOCAL_ADDRESS%",
  downstream_remote_address: "%DOWNSTREAM_REMOTE_ADDRESS%",
  user_agent: "%REQ(USER-AGENT)%",
  request_id: "%REQ(X-REQUEST-ID)%",
  x_amzn_trace_id: "%REQ(X-AMZN-TRACE-ID)%",
  termination: "%CONNECTION_TERMINATION_DETAILS%",
}

/** A node's one setting feeds its ingress, its egress and its TCP chains. No path: no log at all. */
export function accessLogs(log: DeclaredAccessLog | undefined): readonly JsonObject[] {
  if (log === undefined) return []
  const format =
    log.json === undefined
      ? log.text === undefined
        ? {}
        : { log_format: { text_format_source: { inline_string: log.text } } }
      : { log_format: { json_format: log.json } }
  return [
    {
      name: "envoy.access_loggers.file",
      typed_config: packed("envoy.extensions.access_loggers.file.v3.FileAccessLog", {
        path: log.path,
        ...format,
      }),
    },
  ]
}
