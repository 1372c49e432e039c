import { GRPC_STATUSES } from "#mesh/grpc-status.ts"
import { readNumber } from "./number.ts"

const bare = (name: string): string => name.replaceAll("_", "").toUpperCase()
const BY_NAME: ReadonlyMap<string, number> = new Map([
  ...GRPC_STATUSES.map((name, number) => [bare(name), number] as const),
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
