import type { TruthCount } from "../../../demo/truth.ts"
import type { Outcome } from "../../../mesh/outcome.ts"
import { AMBIGUOUS, UNMATCHED } from "../../../mesh/resource.ts"
import { type Counts, countsOf, type Labels } from "../rig/counts.ts"
import { labelsOf, PLACE_NAMES } from "../rig/truth-counts.ts"

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

export const CAUSE_NAMES = [...PLACE_NAMES, "protocol", "outcome", "flag", "answered_by"]

/** `mesh_request_failures_total` as the text lets it be told; see `eitherCause`. */
export function failuresByText(rows: readonly TruthCount[]): Counts {
  const failed = toldByText(rows).filter(({ outcome }) => outcome !== "ok")
  return countsOf(
    failed.map((row) => [{ ...labelsOf(row), ...causeOf(row) }, row.count] as const),
    CAUSE_NAMES,
  )
}

const cause = (flag: string, answeredBy: string): Labels => ({ flag, answered_by: answeredBy })
/** The truth does not keep apart an application that says 503 from one that says nothing (Envoy then does, with UC). */
const EITHER = "- or UC"

/** Why a request of this plan failed, as flags and code tell; who answered where those leave no doubt. */
export function causeOf({ reporter, protocol, code, outcome, route, virtualService }: TruthCount): Labels {
  if (outcome === "aborted") return cause(protocol === "grpc" ? "DR" : "DC", "proxy")
  if (route === UNMATCHED) return cause("NR", "proxy")
  // Its body was cut. Envoy's own replies to gRPC are 200s too, so that flag and code leave open who began the answer.
  if (code === 200 && protocol === "http") return cause("UPE", "unknown")
  if (reporter === "destination") return code >= 500 ? { flag: EITHER } : cause("-", "unknown")
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
      /(reporter=destination .*protocol=http outcome=error) (?:flag=UC answered_by=proxy|flag=- answered_by=(?:unknown|app))$/,
      `$1 flag=${EITHER}`,
    )
    counts[merged] = (counts[merged] ?? 0) + count
  }
  return counts
}
