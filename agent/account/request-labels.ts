import { flagsText } from "#mesh/flags.ts"
import type { RequestRow, Target } from "#mesh/request.ts"
import type { Labels } from "./contract.ts"

/** Labels of a route: reporter, route key, and the mesh's own. */
export function routeLabels(row: RequestRow): Labels {
  return {
    mesh: row.mesh,
    flavor: row.flavor,
    reporter: row.reporter,
    virtual_gateway: row.virtualGateway,
    gateway_route: row.gatewayRoute,
    virtual_service: row.virtualService,
    virtual_router: row.virtualRouter,
    route: row.route,
  }
}

/** Labels of a TCP connection: App Mesh's TCP routes are told apart by virtual service alone. */
export function connectionLabels(row: RequestRow, target: Target): Labels {
  return {
    mesh: row.mesh,
    flavor: row.flavor,
    reporter: row.reporter,
    virtual_service: row.virtualService,
    source: row.source,
    virtual_node: target.name,
  }
}

/** The node or gateway that a health check was sent to, or that saw it. */
export function healthCheckLabels(row: RequestRow, target: Target): Labels {
  const own = { mesh: row.mesh, flavor: row.flavor }
  if (row.reporter === "destination") return { ...own, virtual_node: target.name }
  if (row.virtualGateway !== "") return { ...own, virtual_gateway: row.virtualGateway }
  return { ...own, virtual_node: row.source }
}

/** Who called whom: a gateway stands in place of the calling node. */
export function edgeLabels(row: RequestRow, target: Target): Labels {
  return {
    mesh: row.mesh,
    flavor: row.flavor,
    source: row.source,
    virtual_gateway: row.virtualGateway,
    virtual_node: target.name,
  }
}

/** Larger sets of flags than Envoy is known to write get a label of their own only this often. */
const MAX_LARGE_SETS = 64

/** Names sets of flags. Sets of more than two flags are bounded, since a forged line could hold any. */
export function makeFlagNames(): (bits: number) => string {
  const large = new Map<number, string>()
  return (bits) => {
    // The format has no flags: the label is left out.
    if (bits < 0) return ""
    const withoutLowest = bits & (bits - 1)
    if ((withoutLowest & (withoutLowest - 1)) === 0) return flagsText(bits)
    const known = large.get(bits)
    if (known !== undefined) return known
    if (large.size >= MAX_LARGE_SETS) return "other"
    const text = flagsText(bits)
    large.set(bits, text)
    return text
  }
}
