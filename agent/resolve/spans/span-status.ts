import { flagBits } from "#mesh/flags.ts"
import { ABORTED, CLIENT_ERROR, ERROR, outcomeOf } from "#mesh/outcome.ts"
import type { SpanStatus } from "#mesh/span.ts"

/** How a proxy's request ended, as its span or line tells. */
export interface Ended {
  /** HTTP status, 0 for none, -1 for not told. */
  readonly code: number
  /** -1: none. */
  readonly grpcStatus: number
  /** `%RESPONSE_FLAGS%`. */
  readonly flags: string
  /** A gateway's first pass: what it has no route for is the caller's mistake. */
  readonly gatewayDoor: boolean
}

/** RESOURCE_EXHAUSTED */
const GRPC_THROTTLED = 8

/**
 * X-Ray's words by the same rule that counts requests (`outcomeOf`), so that traces and rates agree: what counts as an
 * error is a fault, also where Envoy itself answered (aws-app-mesh-roadmap#344). A caller that went away is the caller's
 * own error. An answer of 4xx stays an error beside.
 * @param said kept where neither code nor flags tell
 */
export function spanStatus({ code, grpcStatus, flags, gatewayDoor }: Ended, said: SpanStatus): SpanStatus {
  const bits = flagBits(flags)
  if (code < 0 && grpcStatus < 0 && bits === 0) return said
  const outcome = outcomeOf(code, grpcStatus, bits, gatewayDoor)
  return {
    error: (code >= 400 && code < 500) || outcome === CLIENT_ERROR || outcome === ABORTED,
    throttle: code === 429 || grpcStatus === GRPC_THROTTLED,
    fault: outcome === ERROR,
  }
}
