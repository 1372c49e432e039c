import type { AccessFact } from "#mesh/access.ts"
import { readFlags, readLongFlags } from "./flag-bytes.ts"
import { readGrpcStatus } from "./grpc-status.ts"
import { readNumber } from "./number.ts"
import { Kind } from "./target.ts"

const DASH = 45
// Constants of this module: loads from an imported object would cost more than the work.
const ATTEMPTS = Kind.attempts
const CODE = Kind.code
const DURATION = Kind.duration
const FLAGS = Kind.flags
const GRPC = Kind.grpc
const LOG_TYPE = Kind.logType
const LONG_FLAGS = Kind.longFlags
const RECEIVED = Kind.received
const SENT = Kind.sent
const TEXT = Kind.text
const UPSTREAM_TIME = Kind.upstreamTime

/**
 * Puts the value in `[start, end)` where its slot says. An empty value, `-` and start = -1 (JSON null) all mean "none".
 * @param intermediate see `isIntermediate`: the answer for `ACCESS_LOG_TYPE`, false for every other kind
 */
export function storeValue(
  fact: AccessFact,
  kind: number,
  span: number,
  bytes: Buffer,
  start: number,
  end: number,
): boolean {
  const none = start < 0 || start === end || (bytes[start] === DASH && end - start === 1)
  if (span >= 0) {
    fact.spans[span * 2] = none ? -1 : start
    fact.spans[span * 2 + 1] = none ? -1 : end
    if (kind === TEXT) return false
  }
  switch (kind) {
    case FLAGS:
      fact.flags = none ? 0 : readFlags(bytes, start, end)
      return false
    case LONG_FLAGS:
      fact.flags = none ? 0 : readLongFlags(bytes, start, end)
      return false
    case GRPC:
      fact.grpcStatus = none ? -1 : readGrpcStatus(bytes, start, end)
      return false
    case LOG_TYPE:
      return !none && isIntermediate(bytes, start, end)
    default:
      storeAmount(fact, kind, none ? -1 : readNumber(bytes, start, end))
      return false
  }
}

/** Puts a number where its kind says; -1 is none. Only for kinds that are nothing but a number. */
export function storeAmount(fact: AccessFact, kind: number, amount: number): void {
  if (kind === CODE) fact.code = amount < 0 ? 0 : amount
  else if (kind === GRPC) fact.grpcStatus = amount
  else if (kind === DURATION) fact.durationMs = amount
  else if (kind === UPSTREAM_TIME) fact.upstreamMs = amount
  else if (kind === RECEIVED) fact.bytesReceived = amount
  else if (kind === SENT) fact.bytesSent = amount
  else if (kind === ATTEMPTS) fact.attempts = amount
}

/** Whether a kind is nothing but a number. */
export function isAmount(kind: number): boolean {
  return kind === CODE || (kind >= GRPC && kind <= ATTEMPTS)
}

const FINAL_TYPES = ["NotSet", "DownstreamEnd", "TcpConnectionEnd", "UdpSessionEnd"].map((name) =>
  Buffer.from(name),
)

/** Whether a log type says that the request goes on: only the line at its end is one request. */
function isIntermediate(bytes: Buffer, start: number, end: number): boolean {
  return !FINAL_TYPES.some((name) => name.length === end - start && name.compare(bytes, start, end) === 0)
}
