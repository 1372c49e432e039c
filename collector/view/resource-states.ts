import { type Health, healthOf } from "#mesh/health.ts"
import { type Kind, pathText, type ResourcePath } from "#mesh/resource.ts"
import type { RequestNumbers } from "./answer.ts"
import { type Board, worstOf } from "./board.ts"
import { addBuckets, noOutcomes, numbersOf } from "./numbers.ts"
import type { RouteRow } from "./route-row.ts"
import { resourceText } from "./rows-by-resource.ts"

/** Rows that a resource stands for; a virtual node stands for none. */
export function rowsUnder(
  board: Board,
  kind: Kind,
  mesh: string,
  flavor: string,
  name: string,
  parent = "",
): readonly RouteRow[] {
  return board.under.get(resourceText(kind, mesh, flavor, name, parent)) ?? []
}

/** Numbers of several rows of one reporter, added up; null without rows. */
export function sumRows(board: Board, rows: readonly RouteRow[]): RequestNumbers | null {
  if (rows.length === 0) return null
  const counts = noOutcomes()
  let buckets: Float64Array | undefined
  for (const { id, numbers } of rows) {
    counts.ok += numbers.ok
    counts.client_error += numbers.clientErrors
    counts.error += numbers.errors
    counts.aborted += numbers.aborted
    const own = board.buckets.get(id)
    if (own !== undefined) buckets = addBuckets(buckets, own)
  }
  return numbersOf(counts, buckets, board.reading.rateMs / 1000)
}

/** State of what stands above routes: its own ratio, but never better than its worst real route. */
export function stateAbove(rows: readonly RouteRow[], numbers: RequestNumbers | null): Health {
  if (numbers === null) return "unknown"
  const own = healthOf({
    ok: numbers.ok,
    clientErrors: numbers.clientErrors,
    errors: numbers.errors,
    aborted: numbers.aborted,
    complete: true,
    seen: true,
  })
  const below = worstOf(rows.filter((row) => row.synthetic === null).map((row) => row.health))
  return own === "failing" || own === "degraded" ? worstOf([own, below]) : below
}

export function resourceId(kind: Kind, mesh: string, flavor: string, name: string, parent = ""): string {
  const path: ResourcePath = {
    kind,
    mesh,
    name,
    ...(kind === "gateway_route" ? { virtualGateway: parent } : {}),
    ...(kind === "route" ? { virtualRouter: parent } : {}),
  }
  // Two meshes of one name may stand side by side during a migration.
  return flavor === "" || flavor === "app-mesh" ? pathText(path) : `${flavor}:${pathText(path)}`
}
