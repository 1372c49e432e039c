import type { TruthCount } from "../../../demo/truth.ts"
import type { Outcome } from "../../../mesh/outcome.ts"
import { AMBIGUOUS } from "../../../mesh/resource.ts"
import { type Counts, keyText } from "../rig/exposed.ts"

/**
 * What Envoy's default text lets anybody know of the truth about yelb-extended under this plan. Written from
 * docs/metrics.md and the mesh's own declaration, and shares nothing with the product.
 */
export function toldByText(rows: readonly TruthCount[]): readonly TruthCount[] {
  return rows.map((row) =>
    Object.assign({}, row, {
      route: isAmbiguous(row) ? AMBIGUOUS : row.route,
      outcome: httpOutcome(row),
      grpcStatus: -1,
    }),
  )
}

/**
 * Route canary takes `/api` with `x-canary: v2`, and leads to v2 alone. The text holds no such header, and every call of
 * the plan to the appserver begins with `/api`: at v2 it may have been canary's whatever route took it.
 */
export function isAmbiguous({ reporter, virtualService, virtualNode }: TruthCount): boolean {
  return reporter === "source" && virtualService === "yelb-appserver" && virtualNode.endsWith("-v2")
}

/** No gRPC status. One status shows all the same: UNAVAILABLE is retried, and used up retries leave a flag (URX). */
export function httpOutcome({ reporter, code, grpcStatus, outcome }: TruthCount): Outcome {
  if (grpcStatus < 0) return outcome
  if (reporter === "source" && grpcStatus === 14) return "error"
  return code >= 500 ? "error" : code >= 400 ? "client_error" : "ok"
}

const FAILURE_NAMES = [
  "reporter",
  "virtual_gateway",
  "gateway_route",
  "virtual_service",
  "virtual_router",
  "route",
  "source",
  "virtual_node",
  "protocol",
  "outcome",
] as const
export const CAUSE_NAMES = [...FAILURE_NAMES, "flag", "answered_by"] as const

/** `mesh_request_failures_total` as the text lets it be told; see `eitherCause`. */
export function failuresByText(rows: readonly TruthCount[]): Counts {
  const counts: Counts = {}
  for (const row of toldByText(rows)) {
    if (row.outcome === "ok") continue
    const labels = {
      reporter: row.reporter,
      virtual_gateway: row.virtualGateway,
      gateway_route: row.gatewayRoute,
      virtual_service: row.virtualService,
      virtual_router: row.virtualRouter,
      route: row.route,
      source: row.source,
      virtual_node: row.virtualNode,
      protocol: row.protocol,
      outcome: row.outcome,
    }
    const key = `${keyText(labels, FAILURE_NAMES)} ${causeOf(row)}`
    counts[key] = (counts[key] ?? 0) + row.count
  }
  return counts
}

const cause = (flag: string, answeredBy: string): string => `flag=${flag} answered_by=${answeredBy}`
/** The truth does not keep apart an application that says 503 from one that says nothing (Envoy then does, with UC). */
const EITHER = "flag=- or UC"

/** Why a request of this plan failed, as flags and code tell; who answered where those leave no doubt. */
function causeOf({ reporter, protocol, code, outcome, route, virtualService }: TruthCount): string {
  if (outcome === "aborted") return cause(protocol === "grpc" ? "DR" : "DC", "proxy")
  if (route === "(unmatched)") return cause("NR", "proxy")
  // Its body was cut. Envoy's own replies to gRPC are 200s too, so that flag and code leave open who began the answer.
  if (code === 200 && protocol === "http") return cause("UPE", "unknown")
  if (reporter === "destination") return code >= 500 ? EITHER : cause("-", "unknown")
  const tries = reporter === "source" && virtualService !== "yelb-ui"
  // A timeout is the caller's proxy's own answer; what an application said to the last try is passed on.
  if (tries && code === 504) return cause("UT", "proxy")
  if (tries && outcome === "error") return cause("URX", "app")
  return cause("-", "unknown")
}

/** What was told, with the two causes in one that the truth holds in one. */
export function eitherCause(told: Counts): Counts {
  const counts: Counts = {}
  for (const [key, count] of Object.entries(told)) {
    const merged = key.replace(
      /(reporter=destination .*outcome=error) (?:flag=UC answered_by=proxy|flag=- answered_by=unknown)$/,
      `$1 ${EITHER}`,
    )
    counts[merged] = (counts[merged] ?? 0) + count
  }
  return counts
}
