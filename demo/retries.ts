import type { RetryPolicy } from "#mesh/declared.ts"
import type { Call } from "./records.ts"

/** App Mesh's own policy, where a route declares none. */
const DEFAULT_RETRIES = 2

/**
 * How many attempts a call had when it ended with something that is retried: then all were used up. Undefined when it
 * ended otherwise; the last attempt that arrived then tells. A 504 is the caller's time limit, which ends all trying.
 */
export function attemptsAtEnd(call: Call, policy: RetryPolicy | undefined): number | undefined {
  const { how, code, grpcStatus } = call.end
  if (how !== "answered" || code === 504) return undefined
  const retried = call.protocol === "grpc" ? grpcRetried(policy, grpcStatus) : httpRetried(policy, code)
  return retried ? 1 + (policy?.maxRetries ?? DEFAULT_RETRIES) : undefined
}

function httpRetried(policy: RetryPolicy | undefined, code: number): boolean {
  if (policy === undefined) return code === 503
  const events = policy.httpRetryEvents ?? []
  return (
    (events.includes("server-error") && code >= 500) ||
    (events.includes("gateway-error") && code >= 502 && code <= 504) ||
    (events.includes("client-error") && code === 409)
  )
}

/** Statuses by the names that App Mesh and Envoy share. */
const GRPC_EVENTS: Readonly<Record<string, number>> = {
  cancelled: 1,
  "deadline-exceeded": 4,
  "resource-exhausted": 8,
  internal: 13,
  unavailable: 14,
}

/** Whether Envoy tries again where an application answers so. */
export function grpcRetried(policy: RetryPolicy | undefined, status: number): boolean {
  const events = policy === undefined ? ["unavailable"] : (policy.grpcRetryEvents ?? [])
  return events.some((event) => GRPC_EVENTS[event] === status)
}
