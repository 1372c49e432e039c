import type { DeclaredMesh, VirtualGateway } from "#mesh/declared.ts"
import type { JsonObject } from "./json.ts"
import { EGRESS_PORT } from "./placement.ts"
import { serviceHost, serviceRouteByHeader } from "./routes.ts"
import { type ReachableService, reach, serviceOf } from "./service.ts"

/** The second pass of a gateway: one virtual host per service, and `default_backend` for routes that keep the host. */
export function gatewayEgressHosts(
  mesh: DeclaredMesh,
  gateway: VirtualGateway,
  attemptCount: boolean,
): { readonly hosts: readonly JsonObject[]; readonly services: readonly ReachableService[] } {
  const names = [...new Set(gateway.routes.map((route) => route.virtualService))]
  const services = names.map((name) => gatewayService(mesh, gateway, name))
  const byHeader = new Set(
    gateway.routes.filter(({ rewrite }) => !rewrite.hostname).map((route) => route.virtualService),
  )
  const routes = services
    .filter(({ name }) => byHeader.has(name))
    .flatMap((service) => service.routes.map((route) => serviceRouteByHeader(mesh.name, service.name, route)))
  const hosts = services.map((service) => serviceHost(mesh.name, service, EGRESS_PORT, attemptCount))
  const rest = {
    name: "default_backend",
    domains: ["*"],
    ...(attemptCount ? { include_request_attempt_count: true } : {}),
    ...(routes.length === 0 ? {} : { routes }),
  }
  return { hosts: [...hosts, rest], services }
}

/** A service without provider has no port and no routes. With several ports the gateway route's target port decides. */
function gatewayService(mesh: DeclaredMesh, gateway: VirtualGateway, name: string): ReachableService {
  const choices = reach(mesh, serviceOf(mesh, name)).filter(({ protocol }) => protocol !== "tcp")
  const port = gateway.routes.find((route) => route.virtualService === name)?.targetPort
  const chosen = choices.find((service) => service.port === port) ?? choices[0]
  return chosen ?? { name, port: 0, protocol: "http", routes: [] }
}
