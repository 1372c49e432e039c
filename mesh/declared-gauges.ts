import type { MetricKey } from "./catalogue.ts"
import type { DeclaredMesh, Route, VirtualNode, VirtualRouter, VirtualService } from "./declared.ts"

type Labels = Readonly<Record<string, string>>

/** Share of requests that should not fail where a route declares none: design, metrics. */
const DEFAULT_OBJECTIVE = 0.999

/** One gauge of the declared model. */
export interface DeclaredGauge {
  readonly metric: MetricKey
  readonly labels: Labels
  readonly value: number
}

/** Every declared resource as `mesh_resource_info`, every weight, every objective. Empty labels are left out. */
export function declaredGauges(mesh: DeclaredMesh): readonly DeclaredGauge[] {
  const common = { mesh: mesh.name, flavor: mesh.flavor }
  const info = (
    kind: string,
    of: { name: string; native?: VirtualNode["native"] },
    parents: Labels = {},
  ): DeclaredGauge => ({
    metric: "resourceInfo",
    value: 1,
    labels: filled({
      ...common,
      kind,
      name: of.name,
      ...parents,
      native_kind: of.native?.kind ?? "",
      native_name: of.native?.name ?? "",
      namespace: of.native?.namespace ?? "",
    }),
  })
  return [
    info("mesh", mesh),
    ...mesh.virtualNodes.map((node) => info("virtual_node", node)),
    ...mesh.virtualServices.map((service) => info("virtual_service", service, provider(service))),
    ...mesh.virtualRouters.flatMap((router) => routerGauges(router, mesh, common, info)),
    ...mesh.virtualGateways.flatMap((gateway) => [
      info("virtual_gateway", gateway),
      ...gateway.routes.flatMap((route) => {
        const key = {
          virtual_gateway: gateway.name,
          gateway_route: route.name,
          virtual_service: route.virtualService,
        }
        return [
          info("gateway_route", route, {
            virtual_gateway: gateway.name,
            virtual_service: route.virtualService,
          }),
          objective({ ...common, ...key }, route.objective),
        ]
      }),
    ]),
  ]
}

type Info = (
  kind: string,
  of: { name: string; native?: VirtualNode["native"] },
  parents?: Labels,
) => DeclaredGauge

/** A router's routes count once for each service that it provides. */
function routerGauges(
  router: VirtualRouter,
  mesh: DeclaredMesh,
  common: Labels,
  info: Info,
): readonly DeclaredGauge[] {
  const services = mesh.virtualServices.filter(
    (each) => each.provider.kind === "virtual_router" && each.provider.name === router.name,
  )
  return [
    info("virtual_router", router),
    ...router.routes.flatMap((route) => [
      info("route", route, { virtual_router: router.name }),
      ...services.flatMap((service) => {
        const key = routeLabels(common, service, router, route)
        return [objective(key, route.objective)].concat(
          route.targets.map((target) => ({
            metric: "routeWeight",
            labels: filled({ ...key, virtual_node: target.virtualNode }),
            value: target.weight,
          })),
        )
      }),
    ]),
  ]
}

function routeLabels(common: Labels, service: VirtualService, router: VirtualRouter, route: Route): Labels {
  return { ...common, virtual_service: service.name, virtual_router: router.name, route: route.name }
}

function provider(service: VirtualService): Labels {
  const { provider: by } = service
  if (by.kind === "none") return {}
  return by.kind === "virtual_router" ? { virtual_router: by.name } : { virtual_node: by.name }
}

function objective(labels: Labels, declared: number | undefined): DeclaredGauge {
  const origin = declared === undefined ? "default" : "declared"
  return { metric: "objective", labels: filled({ ...labels, origin }), value: declared ?? DEFAULT_OBJECTIVE }
}

function filled(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ""))
}
