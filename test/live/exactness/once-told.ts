import { placeLabels } from "../../../demo/truth.ts"
import type { OnceReport } from "../../../mesh/once-report.ts"
import { byOutcome, type Counts, keyText } from "../rig/counts.ts"
import { PLACE_NAMES } from "../rig/truth-counts.ts"

export const ONCE_NAMES = [...PLACE_NAMES, "outcome"]

/** What `meshscope once --json` tells, in the shape of `truthBy(…, ONCE_NAMES)`. */
export function toldByOnce({ requests }: OnceReport): Counts {
  return Object.fromEntries(
    requests.flatMap((row) =>
      byOutcome(row).map(([outcome, count]) => {
        const labels = {
          ...placeLabels(row),
          outcome,
        }
        return [keyText(labels, ONCE_NAMES), count]
      }),
    ),
  )
}
