import { readNumber } from "./number.ts"

/** Names by number, as `%GRPC_STATUS%` and `%GRPC_STATUS(SNAKE_STRING)%` print them. Source: gRPC status codes. */
const SNAKE = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
]
const bare = (name: string): string => name.replaceAll("_", "").toUpperCase()
const BY_NAME: ReadonlyMap<string, number> = new Map([
  ...SNAKE.map((name, number) => [bare(name), number] as const),
  // Envoy's camel form has one l.
  ["CANCELED", 1],
])
const LONGEST = 32

/** The number of a gRPC status that is written as a number or as a name; -1 for anything else. */
export function readGrpcStatus(bytes: Buffer, start: number, end: number): number {
  const first = bytes[start] ?? 0
  if (first >= 48 && first <= 57) return readNumber(bytes, start, end)
  return end - start > LONGEST ? -1 : (BY_NAME.get(bare(bytes.toString("latin1", start, end))) ?? -1)
}
