import type { Reporter } from "#mesh/resource.ts"
import type { Inventory, Resource } from "./inventory.ts"
import { ownKey, routeText } from "./route-id.ts"
import type { RouteKey } from "./route-row.ts"

export interface DeclaredRoute {
  readonly key: RouteKey
  readonly reporter: Reporter
}

/**
 * All rows that the declared model promises: one per gateway route, one per service and route of its router, one per
 * service that sits on a node. What a service leads to comes from weights and from the parents that resources name; a
 * service that leads nowhere has no row.
 */
export function declaredRoutes(inventory: Inventory): Map<string, DeclaredRoute> {
  const rows = new Map<string, DeclaredRoute>()
  const put = (key: RouteKey, reporter: Reporter): void => {
    const own = ownKey(key, reporter)
    rows.set(routeText(own, reporter), { key: own, reporter })
  }
  for (const { key } of inventory.weights)
    if (key.virtualService !== "" && key.gatewayRoute === "") put(key, "source")
  const led = new Set([...rows.values()].map(({ key }) => routerText(key, key.virtualRouter, key.route)))
  const services = Map.groupBy(
    inventory.resources.filter(
      ({ kind, virtualRouter }) => kind === "virtual_service" && virtualRouter !== "",
    ),
    (service) => routerText(service, service.virtualRouter, ""),
  )
  for (const resource of inventory.resources) {
    if (resource.kind === "gateway_route")
      put(
        keyOf(resource, { virtualGateway: resource.virtualGateway, gatewayRoute: resource.name }),
        "gateway",
      )
    else if (resource.kind === "route")
      for (const key of routeKeys(resource, services, led)) put(key, "source")
  }
  return rows
}

function keyOf(resource: Resource, own: Partial<RouteKey>): RouteKey {
  return {
    mesh: resource.mesh,
    flavor: resource.flavor,
    virtualGateway: "",
    gatewayRoute: "",
    virtualService: resource.virtualService,
    virtualRouter: "",
    route: "",
    ...own,
  }
}

function routerText(of: { mesh: string; flavor: string }, router: string, route: string): string {
  return [of.mesh, of.flavor, router, route].join("\u0000")
}

/** A route shows once per service that leads to its router. */
function routeKeys(
  route: Resource,
  services: ReadonlyMap<string, readonly Resource[]>,
  led: ReadonlySet<string>,
): RouteKey[] {
  const own = { virtualRouter: route.virtualRouter, route: route.name }
  if (route.virtualService !== "") return [keyOf(route, own)]
  const leading = services.get(routerText(route, route.virtualRouter, "")) ?? []
  if (leading.length > 0)
    return leading.map((service) => keyOf(route, { ...own, virtualService: service.name }))
  return led.has(routerText(route, route.virtualRouter, route.name)) ? [] : [keyOf(route, own)]
}
