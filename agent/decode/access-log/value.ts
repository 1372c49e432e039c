import type { AccessFact } from "#mesh/access.ts"
import { readFlags, readLongFlags } from "./flag-bytes.ts"
import { readGrpcStatus } from "./grpc-status.ts"
import { readNumber } from "./number.ts"
import { Kind } from "./target.ts"

const DASH = 45

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
    if (kind === Kind.text) return false
  }
  switch (kind) {
    case Kind.flags:
      fact.flags = none ? 0 : readFlags(bytes, start, end)
      return false
    case Kind.longFlags:
      fact.flags = none ? 0 : readLongFlags(bytes, start, end)
      return false
    case Kind.grpc:
      fact.grpcStatus = none ? -1 : readGrpcStatus(bytes, start, end)
      return false
    case Kind.logType:
      return !none && isIntermediate(bytes, start, end)
    default:
      storeAmount(fact, kind, none ? -1 : readNumber(bytes, start, end))
      return false
  }
}

/** Puts a number where its kind says; -1 is none. Only for kinds that are nothing but a number. */
export function storeAmount(fact: AccessFact, kind: number, amount: number): void {
  if (kind === Kind.code) fact.code = amount < 0 ? 0 : amount
  else if (kind === Kind.grpc) fact.grpcStatus = amount
  else if (kind === Kind.duration) fact.durationMs = amount
  else if (kind === Kind.upstreamTime) fact.upstreamMs = amount
  else if (kind === Kind.received) fact.bytesReceived = amount
  else if (kind === Kind.sent) fact.bytesSent = amount
  else if (kind === Kind.attempts) fact.attempts = amount
}

/** Whether a kind is nothing but a number. */
export function isAmount(kind: number): boolean {
  return kind === Kind.code || (kind >= Kind.grpc && kind <= Kind.attempts)
}

const FINAL_TYPES = ["NotSet", "DownstreamEnd", "TcpConnectionEnd", "UdpSessionEnd"].map((name) =>
  Buffer.from(name),
)

/** Whether a log type says that the request goes on: only the line at its end is one request. */
function isIntermediate(bytes: Buffer, start: number, end: number): boolean {
  return !FINAL_TYPES.some((name) => name.length === end - start && name.compare(bytes, start, end) === 0)
}
