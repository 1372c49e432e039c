/**
 * What we recommend as `logging.accessLog.file.format.json`: enough to name route, target and cause of every request.
 * `GRPC_STATUS_NUMBER` needs Envoy 1.22. Routes that match on a header want that header as a key of its own beside these.
 */
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
