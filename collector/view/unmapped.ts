import type { Answer } from "./answer.ts"
import type { RouteRow } from "./route-row.ts"

/** Lines that could not be given to a resource, by reason and proxy. */
export interface DoubtRow {
  readonly reason: string
  readonly meaning: string
  readonly mesh: string
  readonly proxy: string
  readonly resource: string
  readonly count: number
  readonly perSecond: number
}

export interface UnmappedView extends Answer {
  readonly doubts: readonly DoubtRow[]
  /** Rows `(unmatched)`, `(ambiguous)`, `(shared)`, `(undeclared)` with traffic, most first. */
  readonly rows: readonly RouteRow[]
}
