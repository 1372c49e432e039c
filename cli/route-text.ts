/** The names that lead to a route; an empty one does not apply. */
export interface RouteNames {
  readonly virtualGateway: string
  readonly gatewayRoute: string
  readonly virtualService: string
  readonly virtualRouter: string
  readonly route: string
}

/** Whole path of names, never shortened: gateway and its route, or service, router and route. */
export function routeText(names: RouteNames): string {
  const { virtualGateway, gatewayRoute, virtualService, virtualRouter, route } = names
  const parts = gatewayRoute === "" ? [virtualService, virtualRouter, route] : [virtualGateway, gatewayRoute]
  return parts.filter((part) => part !== "").join(" / ")
}
