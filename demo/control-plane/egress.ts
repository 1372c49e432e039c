import type { DeclaredMesh, VirtualNode } from "#mesh/declared.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { JsonObject } from "./json.ts"
import { type FilterContext, httpFilter, onPort, passThroughChains, tcpFilter } from "./listeners.ts"
import { clusterName, routeConfigName } from "./names.ts"
import { routeConfiguration, serviceHost } from "./routes.ts"
import { type ReachableService, reach, serviceOf } from "./service.ts"

/** What a node's egress listener holds: chains by port, and the route configurations that they name. */
export interface Egress {
  readonly services: readonly ReachableService[]
  readonly chains: readonly JsonObject[]
  readonly ports: readonly number[]
  readonly routeConfigs: ReadonlyMap<string, JsonObject>
}

export function nodeEgress(
  mesh: DeclaredMesh,
  node: VirtualNode,
  context: FilterContext,
  attemptCount: boolean,
): Egress {
  const services = node.backends.flatMap((name) => reach(mesh, serviceOf(mesh, name)))
  const withoutProvider = node.backends.filter((name) => serviceOf(mesh, name).provider.kind === "none")
  const ports = [...new Set(services.map((service) => service.port))].toSorted((a, b) => a - b)
  const chains: JsonObject[] = []
  const routeConfigs = new Map<string, JsonObject>()
  for (const port of ports) {
    const here = services.filter((service) => service.port === port)
    if (here.some((service) => service.protocol === "tcp")) {
      chains.push(onPort(port, tcpChain(mesh.name, here, context)))
      continue
    }
    const name = routeConfigName("egress", here[0]?.protocol ?? "http", port)
    const hosts = [...here, ...withoutProvider.map((service) => ({ name: service, routes: [] }))]
    chains.push(onPort(port, httpFilter("egress", name, context)))
    routeConfigs.set(
      name,
      routeConfiguration(
        name,
        hosts.map((service) => serviceHost(mesh.name, service, port, attemptCount)),
      ),
    )
  }
  chains.push(...passThroughChains(mesh.name, mesh.egress === "ALLOW_ALL", context.accessLog))
  return { services, chains, ports, routeConfigs }
}

/** TCP has nothing but the port to tell services apart. */
function tcpChain(mesh: string, services: readonly ReachableService[], context: FilterContext): JsonObject {
  const [service] = services
  const route = service?.routes[0]
  if (service === undefined || route === undefined || services.length > 1) {
    const names = services.map(({ name }) => name).join(", ")
    throw new MeshscopeError(
      "MODEL_INVALID",
      `TCP port ${service?.port} is shared or without route: ${names}.`,
    )
  }
  const clusters = route.targets.map(({ node, weight, listener }) => ({
    name: clusterName("egress", mesh, node, listener.protocol, listener.port),
    weight,
  }))
  const [only] = clusters
  const target: JsonObject =
    clusters.length === 1 && only !== undefined
      ? { cluster: only.name }
      : { weighted_clusters: { clusters: clusters.filter(({ weight }) => weight > 0) } }
  return tcpFilter("egress", target, context.accessLog)
}
