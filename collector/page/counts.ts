import { routeKinds } from "../view/board.ts"
import type { RouteRow } from "../view/route-row.ts"
import { counted } from "./words.ts"

/** Rows of requests that no one route is known for: they stand in tables, and count as no route. */
export const withoutRoute = (count: number): string => `${counted(count, "row")} without a known route`

/** `10 routes and 2 rows without a known route`: what can be counted in a table. */
export function countText(known: number, synthetic: number): string {
  const parts = [
    known > 0 || synthetic === 0 ? counted(known, "route") : "",
    synthetic > 0 ? withoutRoute(synthetic) : "",
  ]
  return parts.filter((text) => text !== "").join(" and ")
}

/** `10 routes (2 gateway routes, 8 routes of routers) and 1 row without a known route`. */
export function kindCountText(rows: readonly RouteRow[]): string {
  const kinds = routeKinds(rows)
  const known = kinds.gateway_route + kinds.route + kinds.service
  if (known === 0) return rowsText(rows)
  const rest = rows.length - known
  return `${counted(known, "route")} (${kindsText(kinds)})${rest === 0 ? "" : ` and ${withoutRoute(rest)}`}`
}

/** The same of rows. */
export function rowsText(rows: readonly Pick<RouteRow, "synthetic">[]): string {
  const known = rows.filter(({ synthetic }) => synthetic === null).length
  return countText(known, rows.length - known)
}

/** `2 gateway routes, 5 routes of routers, 3 services on a node`: what a number of routes is made of. */
export function kindsText(kinds: Readonly<Record<RouteRow["kind"], number>>): string {
  const parts = [
    kinds.gateway_route === 0 ? "" : counted(kinds.gateway_route, "gateway route"),
    kinds.route === 0 ? "" : counted(kinds.route, "route of routers", "routes of routers"),
    kinds.service === 0 ? "" : counted(kinds.service, "service on a node", "services on a node"),
  ]
  return parts.filter((text) => text !== "").join(", ")
}
