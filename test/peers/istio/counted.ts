import type { TruthCount, TruthRow } from "../../../demo/truth.ts"
import { FRONT, WEB } from "./places.ts"

/** What Envoy answers without any cluster: faults, redirects, and what has no route. Counters tell that it was, not where. */
const ITSELF = new Set(["broken", "moved", "site.shop/down", "site.shop/sale", "(unmatched)"])
/** Subsets that several routes lead to. */
const SHARED = new Set([`${WEB}/v1`, `${WEB}/v2`])

/** The truth as far as counters alone can tell it. */
export function countable(rows: readonly TruthCount[]): readonly TruthCount[] {
  return rows.map((row) => Object.assign({}, row, labelled(row)))
}

function labelled(row: TruthRow): Partial<TruthRow> {
  const { reporter, route, gatewayRoute, virtualNode } = row
  if (reporter === "gateway") {
    if (!ITSELF.has(gatewayRoute)) return {}
    return { gatewayRoute: "(unmatched)", virtualService: "", virtualNode: "" }
  }
  if (reporter === "destination") return {}
  if (ITSELF.has(route) && virtualNode !== "(undeclared)")
    return { virtualService: "(unknown)", virtualRouter: "", route: "(unmatched)", virtualNode: "" }
  return row.source === FRONT && SHARED.has(virtualNode) ? { route: "(shared)" } : {}
}
