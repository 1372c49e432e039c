import type { TruthCount } from "../../../demo/truth.ts"
import { type Counts, countsOf, type Labels } from "../rig/counts.ts"
import { labelsOf } from "../rig/truth-counts.ts"
import { CAUSE_NAMES, causeOf } from "./text-told.ts"

/** `mesh_request_failures_total` as our format in JSON tells it; see `eitherCause`. */
export function failuresByJson(rows: readonly TruthCount[]): Counts {
  const failed = rows.filter(({ outcome }) => outcome !== "ok")
  return countsOf(
    failed.map((row) => [{ ...labelsOf(row), ...jsonCause(row) }, row.count] as const),
    CAUSE_NAMES,
  )
}

/** The details of a response leave nothing unknown: what the proxy did not answer itself, the application did. */
function jsonCause(row: TruthCount): Labels {
  const isRetried = row.reporter === "source" && row.grpcStatus === 14
  if (row.grpcStatus > 0 && !isRetried) return { flag: "-", answered_by: "app" }
  const { flag = "", answered_by = "" } = causeOf(row)
  return { flag, answered_by: answered_by === "unknown" ? "app" : answered_by }
}
