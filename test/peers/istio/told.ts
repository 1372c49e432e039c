import type { RouteDetailView } from "../../../collector/view/route-detail.ts"
import type { RoutesView } from "../../../collector/view/routes.ts"
import { type Counts, countsOf } from "../../live/rig/counts.ts"
import type { Stand } from "./stand.ts"
import { flagKey } from "./truth.ts"

/** Failures by route, node, flag and outcome, as the API tells them of callers and gateways over the last hour. */
export async function flagsTold(ask: Stand["ask"]): Promise<Counts> {
  const { rows } = await ask<RoutesView>("/routes?window=60m&limit=500")
  const found: (readonly [{ key: string }, number])[] = []
  for (const { id, key, reporter } of rows) {
    const { flags } = await ask<RouteDetailView>(`/routes/${id}?window=60m`)
    for (const { flags: flag, virtualNode, outcome, count } of flags) {
      if (outcome !== "ok")
        found.push([{ key: flagKey({ ...key, reporter, virtualNode, outcome }, flag) }, count])
    }
  }
  return countsOf(found, ["key"])
}

/** Every row of the table of routes, and whether anything went there: `name (reporter): 12`. */
export async function rowsTold(ask: Stand["ask"]): Promise<Record<string, number>> {
  const { rows } = await ask<RoutesView>("/routes?window=60m&limit=500")
  return Object.fromEntries(
    rows.map(({ key, reporter, numbers }) => {
      const names =
        reporter === "gateway" ? [key.virtualGateway, key.gatewayRoute] : [key.virtualService, key.route]
      return [`${names.filter((name) => name !== "").join(" ")} (${reporter})`, numbers.requests]
    }),
  )
}
