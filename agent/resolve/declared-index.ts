import type {
  DeclaredMesh,
  DeclaredModel,
  GatewayRoute,
  Route,
  VirtualNode,
  VirtualRouter,
  VirtualService,
} from "#mesh/declared.ts"
import type { ProxyIdentity } from "#mesh/proxy.ts"

/** What stands behind a virtual service as declared. */
export type Behind =
  | { readonly kind: "router"; readonly router: string; readonly routes: readonly Route[] }
  | { readonly kind: "node"; readonly node: string }
  /** Declared without a provider: requests to it find no route. */
  | { readonly kind: "nothing" }

/** The declared resources of the proxy's own mesh, by name. All answers are undefined where nothing was declared. */
export class DeclaredIndex {
  readonly #mesh: DeclaredMesh | undefined
  readonly #services: ReadonlyMap<string, VirtualService>
  readonly #nodes: ReadonlyMap<string, VirtualNode>

  constructor(model: DeclaredModel | undefined, identity: ProxyIdentity) {
    this.#mesh = model?.meshes.find((mesh) => mesh.name === identity.mesh && mesh.flavor === identity.flavor)
    this.#services = new Map(this.#mesh?.virtualServices.map((service) => [service.name, service]))
    this.#nodes = new Map(this.#mesh?.virtualNodes.map((node) => [node.name, node]))
  }

  get known(): boolean {
    return this.#mesh !== undefined
  }

  node(name: string): VirtualNode | undefined {
    return this.#nodes.get(name)
  }

  services(): Iterable<VirtualService> {
    return this.#services.values()
  }

  behind(service: string): Behind | undefined {
    const provider = this.#services.get(service)?.provider
    if (provider === undefined) return undefined
    if (provider.kind === "virtual_node") return { kind: "node", node: provider.name }
    if (provider.kind === "none") return { kind: "nothing" }
    const router = this.router(provider.name)
    return router === undefined ? undefined : { kind: "router", router: router.name, routes: router.routes }
  }

  router(name: string): VirtualRouter | undefined {
    return this.#mesh?.virtualRouters.find((one) => one.name === name)
  }

  /** Ports on which a service can be called; none when it was not declared. */
  ports(service: string): readonly number[] {
    const provider = this.#services.get(service)?.provider
    if (provider === undefined || provider.kind === "none") return []
    const listeners =
      provider.kind === "virtual_node"
        ? this.#nodes.get(provider.name)?.listeners
        : this.#mesh?.virtualRouters.find((one) => one.name === provider.name)?.listeners
    return (listeners ?? []).map(({ port }) => port)
  }

  /** A gateway's routes in match order; undefined when the gateway was not declared. */
  gatewayRoutes(gateway: string): readonly GatewayRoute[] | undefined {
    return this.#mesh?.virtualGateways.find((one) => one.name === gateway)?.routes
  }

  /** Paths of the active health checks that the proxy's own resource declares. */
  healthCheckPaths(identity: ProxyIdentity): string[] {
    const owner =
      identity.role === "gateway"
        ? this.#mesh?.virtualGateways.find((one) => one.name === identity.resource)
        : this.#nodes.get(identity.resource)
    const paths: string[] = []
    for (const { healthCheck } of owner?.listeners ?? []) {
      if (healthCheck?.path !== undefined) paths.push(healthCheck.path)
      if (healthCheck?.protocol === "grpc") paths.push("/grpc.health.v1.Health/Check")
    }
    return paths
  }
}
