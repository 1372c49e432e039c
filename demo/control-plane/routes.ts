import { aggregateStats, duration, type JsonObject, packed } from "./json.ts"
import { envoyMatch, exactHeader } from "./match.ts"
import { clusterName } from "./names.ts"
import { retryPolicy } from "./retry.ts"
import type { ReachableRoute, ReachableService } from "./service.ts"

/** App Mesh's default for a route that declares none, ms. */
const DEFAULT_TIMEOUT_MS = 15_000

/** Names the virtual service where the host is not rewritten. */
export const SERVICE_HEADER = "x-app-mesh-virtual-service"

export function routeConfiguration(name: string, virtualHosts: readonly JsonObject[]): JsonObject {
  return packed("envoy.config.route.v3.RouteConfiguration", { name, virtual_hosts: virtualHosts })
}

/** The one host of an ingress: everything goes to the application. */
export function localHost(cluster: string): JsonObject {
  const route = { cluster, timeout: duration(DEFAULT_TIMEOUT_MS) }
  return { name: "local_app", domains: ["*"], routes: [{ match: { prefix: "/" }, route }] }
}

/** One egress virtual host per virtual service. Without routes it has none, and each request gets Envoy's own 404. */
export function serviceHost(
  mesh: string,
  service: Pick<ReachableService, "name" | "routes">,
  port: number,
  attemptCount: boolean,
): JsonObject {
  const { name, routes } = service
  return {
    name,
    domains: [name, `${name}:${port}`],
    ...(attemptCount ? { include_request_attempt_count: true } : {}),
    ...(routes.length === 0 ? {} : { routes: routes.map((route) => serviceRoute(mesh, name, route)) }),
  }
}

/** A service's route as App Mesh wrote it: without a name. */
function serviceRoute(mesh: string, service: string, route: ReachableRoute): JsonObject {
  return {
    match: envoyMatch(route.match),
    route: routeAction(mesh, route),
    metadata: aggregateStats({ TargetVirtualService: service }),
  }
}

/** The same in a gateway's `default_backend`, for gateway routes that keep the host: found by header. */
export function serviceRouteByHeader(mesh: string, service: string, route: ReachableRoute): JsonObject {
  return {
    ...serviceRoute(mesh, service, route),
    match: envoyMatch(route.match, [exactHeader(SERVICE_HEADER, service)]),
    response_headers_to_remove: [SERVICE_HEADER],
  }
}

/** Targets of weight 0 stay in the list. */
function routeAction(mesh: string, route: ReachableRoute): JsonObject {
  const clusters = route.targets.map(({ node, weight, listener }) => ({
    name: clusterName("egress", mesh, node, listener.protocol, listener.port),
    weight,
  }))
  return {
    weighted_clusters: { clusters },
    timeout: duration(route.timeoutMs ?? DEFAULT_TIMEOUT_MS),
    ...(route.idleTimeoutMs === undefined ? {} : { idle_timeout: duration(route.idleTimeoutMs) }),
    retry_policy: retryPolicy(route.retry),
  }
}
