import {
  ABORTED_FLAGS,
  CLIENT_ERROR_FLAGS,
  ERROR_FLAGS,
  flagBits,
  NO_CLUSTER,
  NO_ROUTE,
  OTHER_FLAG,
} from "./flags.ts"

/** How a request ended, decided once. Index = the integer that the hot path carries. */
export const OUTCOMES = ["ok", "client_error", "error", "aborted"] as const
export type Outcome = (typeof OUTCOMES)[number]
export const OK = 0
export const CLIENT_ERROR = 1
export const ERROR = 2
export const ABORTED = 3

/** Classes of HTTP codes by index; 5 = no code was sent. */
export const CODE_CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"] as const

/** Index into `CODE_CLASSES`. */
export function codeClass(code: number): number {
  return code >= 100 && code < 600 ? Math.floor(code / 100) - 1 : 5
}

/** Who produced the answer. `app`: the reporting proxy's upstream; `proxy`: the reporting proxy itself. */
export const ANSWERED_BY = ["app", "proxy", "unknown"] as const
export type AnsweredBy = (typeof ANSWERED_BY)[number]

/** gRPC statuses that say the service failed: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const GRPC_ERRORS = new Set([2, 4, 12, 13, 14, 15])

/**
 * The outcome table (docs/metrics.md), first row that applies.
 * @param code HTTP status, 0 for none, -1 for not known
 * @param grpcStatus number, -1 for none
 * @param flags bits of `flags.ts`, -1 for not known
 * @param gateway whether a gateway reports its ingress pass: NR is the caller's mistake there, the mesh's at a sidecar
 * @returns index into `OUTCOMES`
 */
export function outcomeOf(code: number, grpcStatus: number, flags: number, gateway: boolean): number {
  const bits = flags < 0 ? 0 : flags
  if ((bits & ABORTED_FLAGS) !== 0) return ABORTED
  if ((bits & (NO_ROUTE | NO_CLUSTER)) !== 0 && !gateway) return ERROR
  if ((bits & ERROR_FLAGS) !== 0) return ERROR
  if (grpcStatus >= 0) return grpcStatus === 0 ? OK : GRPC_ERRORS.has(grpcStatus) ? ERROR : CLIENT_ERROR
  if (code >= 500 || code === 0) return ERROR
  if ((bits & CLIENT_ERROR_FLAGS) !== 0) return CLIENT_ERROR
  if (code >= 400) return CLIENT_ERROR
  return OK
}

/** Flags that Envoy sets beside an answer of the upstream: they do not say who answered. */
const ASIDE = flagBits("DI,RLSE,URX") | OTHER_FLAG
const RETRIES_USED_UP = flagBits("URX")
/** The upstream broke off, before its answer or within it. */
const BROKE_OFF = flagBits("UC,UR,UPE,LR")

/**
 * Who answered, from `%RESPONSE_CODE_DETAILS%`; without details only flags can tell.
 * `via_upstream` is the one detail that Envoy writes for an answer that came from upstream; an answer that was cut
 * after it started (`upstream_reset_after_response_started…`) was begun by the upstream too.
 * @param details undefined when the format does not log them or the line holds none
 */
export function answeredBy(details: string | undefined, flags: number, code: number): AnsweredBy {
  if (details !== undefined) {
    return details === "via_upstream" || details.startsWith("upstream_reset_after_response_started")
      ? "app"
      : "proxy"
  }
  return answeredByFlags(Math.max(0, flags), code)
}

function answeredByFlags(flags: number, code: number): AnsweredBy {
  const cause = flags & ~ASIDE
  // Retries that end without an answer leave the flag of what ended the last one as well.
  if (cause === 0 && flags === RETRIES_USED_UP && code > 0) return "app"
  // Some replies of Envoy carry no flag (maximum duration, RBAC, overload): without details a 4xx or 5xx stays open.
  if (cause === 0) return code >= 400 || code <= 0 ? "unknown" : "app"
  // Envoy replies 502 to 504 for these, and 200 to gRPC: any other code may be of an answer that the upstream began.
  if ((cause & ~BROKE_OFF) === 0 && code > 0 && (code < 502 || code > 504)) return "unknown"
  return "proxy"
}
