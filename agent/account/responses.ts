import type { RequestRow } from "#mesh/request.ts"
import type { Ledger, Slot } from "./contract.ts"
import { routeLabels } from "./request-labels.ts"
import { makeSlotCache } from "./slot-cache.ts"

/** Counts exact codes (`mesh_responses_total`), for those who ask for them. */
export interface ResponseAccount {
  count(row: RequestRow, code: number, grpcStatus: number): void
}

/** gRPC defines 0 to 16; what lies outside a caller made up. */
const MAX_GRPC_STATUS = 16
const CODES = 1000

export function makeResponseAccount(ledger: Ledger): ResponseAccount {
  const cache = makeSlotCache<Slot>(ledger)
  return {
    count(row, code, grpcStatus) {
      const status = grpcStatus >= 0 ? Math.min(grpcStatus, MAX_GRPC_STATUS + 1) : -1
      const exact = code >= 0 && code < CODES ? code : 0
      const key = (row.id * CODES + exact) * (MAX_GRPC_STATUS + 3) + status + 1
      const find = (): Slot =>
        ledger.slot("responses", {
          ...routeLabels(row),
          code: exact === 0 ? "none" : String(exact),
          grpc_status: status < 0 ? "" : status > MAX_GRPC_STATUS ? "other" : String(status),
        })
      ledger.add(cache.of(key, find), 1)
    },
  }
}
