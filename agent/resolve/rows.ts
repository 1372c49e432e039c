import type { ProxyIdentity } from "#mesh/proxy.ts"
import type { Interner, RequestRow } from "#mesh/request.ts"
import { UNMATCHED } from "#mesh/resource.ts"

/** Labels of a route or gateway route; empty texts where there is none. */
export interface RouteLabels {
  readonly gatewayRoute?: string
  readonly virtualService?: string
  readonly virtualRouter?: string
  readonly route?: string
}

/** Makes the rows of one proxy: who reports is fixed, the rest is the route's. */
export interface Rows {
  /** What the node itself saw: no route, no service, no caller. */
  readonly destination: RequestRow
  /** A gateway's ingress pass. */
  readonly gateway: (labels: RouteLabels) => RequestRow
  /** A call that leaves the proxy. A gateway's egress pass has the gateway as the caller in place of a node. */
  readonly source: (labels: RouteLabels) => RequestRow
}

export function makeRows(identity: ProxyIdentity, interner: Interner): Rows {
  const gateway = identity.role === "gateway" ? identity.resource : ""
  const row = (reporter: RequestRow["reporter"], caller: string, labels: RouteLabels): RequestRow =>
    interner.row({
      mesh: identity.mesh,
      flavor: identity.flavor,
      reporter,
      virtualGateway: reporter === "destination" ? "" : gateway,
      gatewayRoute: labels.gatewayRoute ?? "",
      virtualService: labels.virtualService ?? "",
      virtualRouter: labels.virtualRouter ?? "",
      route: labels.route ?? "",
      source: caller,
    })
  const source = identity.role === "gateway" ? "" : identity.resource
  return {
    destination: row("destination", "", {}),
    gateway: (labels) => row("gateway", "", labels),
    source: (labels) => row("source", source, labels),
  }
}

/** Labels of a request that no route of the service took (or of no service at all). */
export function unmatchedLabels(virtualService: string, gateway: boolean): RouteLabels {
  return gateway ? { gatewayRoute: UNMATCHED, virtualService } : { virtualService, route: UNMATCHED }
}
