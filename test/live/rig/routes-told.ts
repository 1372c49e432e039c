import type { RouteDetailView } from "../../../collector/view/route-detail.ts"
import type { RoutesView } from "../../../collector/view/routes.ts"
import type { Truth } from "../../../demo/truth.ts"

/** Per route and outcome, as the API tells it: gateway routes by the gateway, routes and services by their callers. */
export function truthByRoute({ requests }: Truth): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const row of requests) {
    if (row.reporter === "destination") continue
    const key = [
      row.reporter === "gateway" ? row.virtualGateway : "",
      row.gatewayRoute,
      row.virtualService,
      row.virtualRouter,
      row.route,
      row.virtualNode,
      row.outcome,
    ].join("|")
    counts[key] = (counts[key] ?? 0) + row.count
  }
  return counts
}

/** The same as the collector's API tells it over the last hour. */
export async function apiByRoute(ask: <T>(path: string) => Promise<T>): Promise<Record<string, number>> {
  const { rows } = await ask<RoutesView>("/routes?window=60m&limit=500")
  const counts: Record<string, number> = {}
  for (const row of rows) {
    const { targets } = await ask<RouteDetailView>(`/routes/${row.id}?window=60m`)
    // A gateway's own routes, and rows that never left the caller, have no target.
    const parts = targets.length > 0 ? targets : [{ virtualNode: "", numbers: row.numbers }]
    for (const { virtualNode, numbers } of parts) {
      for (const [outcome, count] of [
        ["ok", numbers.ok],
        ["client_error", numbers.clientErrors],
        ["error", numbers.errors],
        ["aborted", numbers.aborted],
      ] as const) {
        if (count === 0) continue
        const { key } = row
        counts[
          [
            key.virtualGateway,
            key.gatewayRoute,
            key.virtualService,
            key.virtualRouter,
            key.route,
            virtualNode,
            outcome,
          ].join("|")
        ] = count
      }
    }
  }
  return counts
}
