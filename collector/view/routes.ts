import type { Health } from "#mesh/health.ts"
import type { Answer, Tally } from "./answer.ts"
import { type Board, byHealth, byName, routeTally, syntheticTally } from "./board.ts"
import type { RouteRow } from "./route-row.ts"

export const ROUTE_SORTS = ["health", "rate", "errors", "p50", "p95", "p99", "name"] as const
export type RouteSort = (typeof ROUTE_SORTS)[number]

export interface RoutesView extends Answer {
  /** Of all rows that the filter took, before paging; known routes only. */
  readonly routes: Tally
  /** The same of rows of requests without one known route. */
  readonly synthetic: Tally
  /** Rows of both sorts that the filter took, before paging. */
  readonly total: number
  readonly rows: readonly RouteRow[]
  /** Offset of the next page; null on the last one. */
  readonly next: number | null
}

export interface RoutesQuestion {
  /** Only these states; empty: all. */
  readonly health: readonly Health[]
  /** Part of any name of the row, without regard to case; empty: all. */
  readonly search: string
  readonly sort: RouteSort
  /** Sorted the other way round. */
  readonly reverse: boolean
  readonly offset: number
  readonly limit: number
}

/** The routes table, filtered, sorted and cut to one page. */
export function routesView(board: Board, question: RoutesQuestion): RoutesView {
  const rows = board.rows.filter((row) => takes(question, row)).toSorted(ORDERS[question.sort])
  if (question.reverse) rows.reverse()
  const end = question.offset + question.limit
  return {
    ...board.head,
    routes: routeTally(rows),
    synthetic: syntheticTally(rows),
    total: rows.length,
    rows: rows.slice(question.offset, end),
    next: end < rows.length ? end : null,
  }
}

function takes(question: RoutesQuestion, row: RouteRow): boolean {
  if (question.health.length > 0 && !question.health.includes(row.health)) return false
  if (question.search === "") return true
  const wanted = question.search.toLowerCase()
  return Object.values(row.key).some((name) => name.toLowerCase().includes(wanted))
}

/** Largest first; rows without a number come last. */
const by =
  (value: (row: RouteRow) => number | null) =>
  (a: RouteRow, b: RouteRow): number =>
    (value(b) ?? -1) - (value(a) ?? -1) || byName(a, b)

const ORDERS: Readonly<Record<RouteSort, (a: RouteRow, b: RouteRow) => number>> = {
  health: byHealth,
  rate: by((row) => row.numbers.requestsPerSecond),
  errors: by((row) => row.numbers.errorRatio),
  p50: by((row) => row.numbers.p50Ms),
  p95: by((row) => row.numbers.p95Ms),
  p99: by((row) => row.numbers.p99Ms),
  name: byName,
}
