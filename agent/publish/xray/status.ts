import { flagBits } from "#mesh/flags.ts"
import { ABORTED, CLIENT_ERROR, ERROR, outcomeOf } from "#mesh/outcome.ts"
import { type Span, type SpanProxy, type SpanStatus, STATUS_OK } from "#mesh/span.ts"

const FAULT: SpanStatus = { error: false, throttle: false, fault: true }
const CALLERS: SpanStatus = { error: true, throttle: false, fault: false }
const THROTTLED: SpanStatus = { error: true, throttle: true, fault: false }
/** gRPC's RESOURCE_EXHAUSTED. */
const EXHAUSTED = 8

/**
 * X-Ray's words for how a span ended. A code from 400 decides alone. Below, or where a proxy's caller got none, the outcome
 * table of the mesh decides from flags and gRPC status: so a caller that went away (`DC`, status 0) made an `error`, which
 * Envoy itself reports as `fault`, and a 503 of Envoy is a fault. What the mesh finds nothing wrong with keeps its sender's
 * word.
 */
export function xrayStatus(span: Span): SpanStatus {
  const code = span.http.status
  if (code === 429) return THROTTLED
  if (code !== undefined && code >= 400) return code >= 500 ? FAULT : CALLERS
  return span.proxy === undefined || code === undefined ? span.status : byOutcome(span, span.proxy, code)
}

function byOutcome(span: Span, proxy: SpanProxy, code: number): SpanStatus {
  // Nothing has ended yet.
  if (span.endUs === undefined) return span.status
  const grpc = grpcStatus(span)
  const outcome = outcomeOf(code, grpc, flagBits(proxy.flags), isGatewayIngress(proxy))
  if (outcome === ABORTED) return CALLERS
  if (outcome === CLIENT_ERROR) return grpc === EXHAUSTED ? THROTTLED : CALLERS
  return outcome === ERROR ? FAULT : grpc === 0 ? STATUS_OK : span.status
}

const isGatewayIngress = ({ role, direction }: SpanProxy): boolean =>
  role === "gateway" && direction === "ingress"

/** -1 where none was told. */
function grpcStatus({ attributes }: Span): number {
  const told = attributes.get("grpc.status_code") ?? attributes.get("rpc.grpc.status_code")
  const number = typeof told === "string" && /^\d{1,2}$/.test(told) ? Number(told) : told
  return typeof number === "number" && Number.isInteger(number) ? number : -1
}
