import { flagBits } from "#mesh/flags.ts"
import { ABORTED, CLIENT_ERROR, ERROR, outcomeOf } from "#mesh/outcome.ts"
import { type SpanStatus, STATUS_OK } from "#mesh/span.ts"

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

const FAULT: SpanStatus = { error: false, throttle: false, fault: true }
const CALLERS: SpanStatus = { error: true, throttle: false, fault: false }
const THROTTLED: SpanStatus = { error: true, throttle: true, fault: false }
/** RESOURCE_EXHAUSTED */
const GRPC_THROTTLED = 8

/**
 * X-Ray's words for how it ended. A code from 400 decides alone. Below, or where the caller got none, the rule that counts
 * requests does (`outcomeOf`), so that traces and rates agree: a caller that went away is the caller's own error, which
 * Envoy itself tells as a fault.
 * @param said kept where nothing bad is found
 */
export function spanStatus({ code, grpcStatus, flags, gatewayDoor }: Ended, said: SpanStatus): SpanStatus {
  if (code === 429) return THROTTLED
  if (code >= 400) return code >= 500 ? FAULT : CALLERS
  const outcome = outcomeOf(code, grpcStatus, flagBits(flags), gatewayDoor)
  if (outcome === ABORTED) return CALLERS
  if (outcome === CLIENT_ERROR) return grpcStatus === GRPC_THROTTLED ? THROTTLED : CALLERS
  if (outcome === ERROR) return FAULT
  return grpcStatus === 0 ? STATUS_OK : said
}
