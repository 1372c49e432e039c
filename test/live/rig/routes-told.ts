import type { RouteDetailView } from "../../../collector/view/route-detail.ts"
import type { RoutesView } from "../../../collector/view/routes.ts"
import type { TruthCount } from "../../../demo/truth.ts"
import { byOutcome, type Counts, keyText } from "./counts.ts"
import { truthBy } from "./truth-counts.ts"

const NAMES = [
  "virtual_gateway",
  "gateway_route",
  "virtual_service",
  "virtual_router",
  "route",
  "virtual_node",
  "outcome",
]

/** Per route and outcome, as the API tells it: gateway routes by the gateway, routes and services by their callers. */
export function truthByRoute(rows: readonly TruthCount[]): Counts {
  const calls = rows.filter(({ reporter }) => reporter !== "destination").map(asRoute)
  return truthBy(calls, NAMES)
}

/** Which gateway a call came from is no part of the route that took it. */
function asRoute(row: TruthCount): TruthCount {
  return row.reporter === "gateway" ? row : { ...row, virtualGateway: "" }
}

/** The same as the collector's API tells it over the last hour. */
export async function apiByRoute(ask: <T>(path: string) => Promise<T>): Promise<Counts> {
  const { rows } = await ask<RoutesView>("/routes?window=60m&limit=500")
  const told: [string, number][] = []
  for (const { id, key, numbers: all } of rows) {
    const { targets } = await ask<RouteDetailView>(`/routes/${id}?window=60m`)
    // A gateway's own routes, and rows that never left the caller, have no target.
    const parts = targets.length > 0 ? targets : [{ virtualNode: "", numbers: all }]
    for (const { virtualNode, numbers } of parts) {
      for (const [outcome, count] of byOutcome(numbers)) {
        const labels = {
          virtual_gateway: key.virtualGateway,
          gateway_route: key.gatewayRoute,
          virtual_service: key.virtualService,
          virtual_router: key.virtualRouter,
          route: key.route,
          virtual_node: virtualNode,
          outcome,
        }
        told.push([keyText(labels, NAMES), count])
      }
    }
  }
  return Object.fromEntries(told)
}
