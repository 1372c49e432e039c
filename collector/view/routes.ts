import type { Answer, Tally } from "./answer.ts"
import type { RouteRow } from "./route-row.ts"

export const ROUTE_SORTS = ["health", "rate", "errors", "p50", "p95", "p99", "name"] as const
export type RouteSort = (typeof ROUTE_SORTS)[number]

export interface RoutesView extends Answer {
  /** Of all rows that the filter took, before paging; real routes only. */
  readonly routes: Tally
  /** Rows that the filter took, before paging. */
  readonly total: number
  readonly rows: readonly RouteRow[]
  /** Offset of the next page; null on the last one. */
  readonly next: number | null
}
