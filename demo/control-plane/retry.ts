import type { RetryPolicy } from "#mesh/declared.ts"
import { duration, type JsonObject } from "./json.ts"

/**
 * The policy that App Mesh added to every route without one: 2 retries on 503, UNAVAILABLE, connect failure, refused
 * stream and reset (user guide, envoy-defaults).
 */
const DEFAULT_POLICY: JsonObject = {
  retry_on: "reset,refused-stream,retriable-status-codes,connect-failure,unavailable",
  num_retries: 2,
  retriable_status_codes: [503],
}

/** App Mesh's event to Envoy's tokens and codes. `5xx` holds `reset`; `gateway-error` includes it too (API reference). */
const HTTP_EVENTS: Readonly<Record<string, { tokens: readonly string[]; codes: readonly number[] }>> = {
  "server-error": { tokens: ["5xx"], codes: [] },
  "gateway-error": { tokens: ["reset"], codes: [502, 503, 504] },
  "client-error": { tokens: [], codes: [409] },
  "stream-error": { tokens: ["refused-stream"], codes: [] },
}

export function retryPolicy(policy: RetryPolicy | undefined): JsonObject {
  if (policy === undefined) return DEFAULT_POLICY
  const http = (policy.httpRetryEvents ?? []).map((event) => HTTP_EVENTS[event] ?? { tokens: [], codes: [] })
  const codes = [...new Set(http.flatMap((event) => event.codes))].toSorted((a, b) => a - b)
  const tokens = new Set([
    ...http.flatMap((event) => event.tokens),
    ...(codes.length > 0 ? ["retriable-status-codes"] : []),
    ...(policy.tcpRetryEvents ?? []).map(() => "connect-failure"),
    // gRPC events have Envoy's own names.
    ...(policy.grpcRetryEvents ?? []),
  ])
  return {
    retry_on: [...tokens].join(","),
    num_retries: policy.maxRetries,
    ...(policy.perRetryTimeoutMs === undefined
      ? {}
      : { per_try_timeout: duration(policy.perRetryTimeoutMs) }),
    ...(codes.length === 0 ? {} : { retriable_status_codes: codes }),
  }
}
