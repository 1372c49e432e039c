import type { Kind } from "#mesh/resource.ts"
import { callerSaw } from "./caller-saw.ts"
import type { RouteRow } from "./route-row.ts"

/** Names one resource; `parent` is a gateway route's gateway or a route's router, else empty. */
export function resourceText(kind: Kind, mesh: string, flavor: string, name: string, parent: string): string {
  return [kind, mesh, flavor, parent, name].join("\u0000")
}

/**
 * Rows that each resource stands for. A gateway's are its own; all others' are what callers saw. No list holds one
 * request twice.
 */
export function rowsByResource(rows: readonly RouteRow[]): Map<string, RouteRow[]> {
  const under = new Map<string, RouteRow[]>()
  for (const row of rows) {
    const { key, reporter } = row
    const put = (kind: Kind, name: string, parent = ""): void => {
      if (name === "") return
      const text = resourceText(kind, key.mesh, key.flavor, name, parent)
      const list = under.get(text)
      if (list === undefined) under.set(text, [row])
      else list.push(row)
    }
    if (reporter === "gateway") {
      put("virtual_gateway", key.virtualGateway)
      put("gateway_route", key.gatewayRoute, key.virtualGateway)
    }
    if (callerSaw(reporter, key)) {
      put("mesh", key.mesh)
      put("virtual_service", key.virtualService)
      put("virtual_router", key.virtualRouter)
      put("route", key.route, key.virtualRouter)
    }
  }
  return under
}
