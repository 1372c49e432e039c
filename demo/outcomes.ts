import type { Outcome } from "#mesh/outcome.ts"
import type { Arrival, CallEnd } from "./records.ts"

/** How one pass through a proxy ended, as that proxy could see it. */
export interface Ending {
  readonly code: number
  readonly grpcStatus: number
  readonly outcome: Outcome
}

/** gRPC statuses that say the service failed (docs/metrics.md): the truth's own list, not the product's. */
const GRPC_FAILURES: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15])

function byStatus(code: number, grpcStatus: number): Outcome {
  if (grpcStatus >= 0) {
    if (grpcStatus === 0) return "ok"
    return GRPC_FAILURES.has(grpcStatus) ? "error" : "client_error"
  }
  if (code >= 500) return "error"
  return code >= 400 ? "client_error" : "ok"
}

/** The caller's side. A body that was cut is an error whatever its status said. */
export function callEnding({ how, code, grpcStatus }: CallEnd): Ending {
  switch (how) {
    case "left":
      return { code: 0, grpcStatus: -1, outcome: "aborted" }
    case "failed":
      return { code: 0, grpcStatus: -1, outcome: "error" }
    case "cut":
      return { code, grpcStatus, outcome: "error" }
    case "answered":
      return { code, grpcStatus, outcome: byStatus(code, grpcStatus) }
  }
}

/** The callee's proxy. When the application gave no answer, the proxy says 503; to gRPC 200 with UNAVAILABLE. */
export function arrivalEnding({ protocol, end }: Arrival): Ending {
  switch (end.how) {
    case "caller_left":
      return { code: 0, grpcStatus: -1, outcome: "aborted" }
    case "cut_before":
      return unavailable(protocol)
    case "cut_after":
      return { code: end.code, grpcStatus: -1, outcome: "error" }
    case "answered":
      return { code: end.code, grpcStatus: end.grpcStatus, outcome: byStatus(end.code, end.grpcStatus) }
  }
}

/** A proxy's own answer for an application that cannot be reached. */
export function unavailable(protocol: "http" | "grpc"): Ending {
  return protocol === "grpc"
    ? { code: 200, grpcStatus: 14, outcome: "error" }
    : { code: 503, grpcStatus: -1, outcome: "error" }
}
