import { type Health, healthOf } from "#mesh/health.ts"
import { type Kind, pathText, type ResourcePath } from "#mesh/resource.ts"
import type { RequestNumbers } from "./answer.ts"
import { type Board, worstOf } from "./board.ts"
import { keyOf, named } from "./fact.ts"
import { addBuckets, noOutcomes, numbersOf } from "./numbers.ts"
import { DURATION_BY } from "./reading.ts"
import { ownKey, routeText } from "./route-id.ts"
import type { RouteRow } from "./route-row.ts"

/** Rows that a gateway, service or router stands for. A gateway's are its own; the others' are what callers saw. */
export function rowsUnder(
  board: Board,
  kind: Kind,
  mesh: string,
  flavor: string,
  name: string,
  parent = "",
): RouteRow[] {
  return board.rows.filter(({ key, reporter }) => {
    if (key.mesh !== mesh || key.flavor !== flavor) return false
    switch (kind) {
      case "mesh":
        return reporter === "source"
      case "virtual_gateway":
        return reporter === "gateway" && key.virtualGateway === name
      case "gateway_route":
        return reporter === "gateway" && key.virtualGateway === parent && key.gatewayRoute === name
      case "virtual_service":
        return reporter === "source" && key.virtualService === name
      case "virtual_router":
        return reporter === "source" && key.virtualRouter === name
      case "route":
        return reporter === "source" && key.virtualRouter === parent && key.route === name
      case "virtual_node":
        return false
    }
  })
}

/** Numbers of several rows of one reporter, added up; null without rows. */
export function sumRows(board: Board, rows: readonly RouteRow[]): RequestNumbers | null {
  if (rows.length === 0) return null
  const counts = noOutcomes()
  for (const { numbers } of rows) {
    counts.ok += numbers.ok
    counts.client_error += numbers.clientErrors
    counts.error += numbers.errors
    counts.aborted += numbers.aborted
  }
  const wanted = new Set(rows.map((row) => routeText(row.key, row.reporter)))
  let buckets: Float64Array | undefined
  for (const group of board.reading.durations.groups) {
    const labels = named(DURATION_BY, group)
    const reporter = labels.get("reporter") === "gateway" ? "gateway" : "source"
    if (labels.get("reporter") !== reporter) continue
    if (wanted.has(routeText(ownKey(keyOf(labels), reporter), reporter)))
      buckets = addBuckets(buckets, group.values)
  }
  return numbersOf(counts, buckets, board.reading.windowMs / 1000)
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
