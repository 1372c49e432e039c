import type { Cluster, EnvoyRoute, Listener, ProxyConfig, ProxyIdentity, VirtualHost } from "#mesh/proxy.ts"
import { UNKNOWN } from "#mesh/resource.ts"
import type { ClusterMeaning, Dialect, IdentityHint } from "./dialect.ts"
import { DEFAULT_MESH } from "./plain.ts"

/**
 * Consul: a cluster's name tells subset, service, namespace, partition and datacenter (or peer). A service is called
 * `<service>.<namespace>[.<partition>].<datacenter>` here, a subset of it `…/<subset>`; what an own sidecar is called
 * stands in its fixed stats tags.
 */
export const consul: Dialect = {
  flavor: "plain",
  claims: (config) =>
    config.clusters.some(({ name }) => targetOf(name) !== undefined) ||
    config.listeners.some(({ name }) => name.startsWith("public_listener:")),
  identify,
  cluster,
  direction,
  // Without a catch-all cluster (transparent proxy), what no upstream is for is refused.
  chainless: (listener) => (direction(listener) === "outbound" ? UNKNOWN : ""),
  service,
  gatewayService: (route, host) => service(host, route),
  onePass: true,
  router: () => undefined,
}

const LOCAL = "local_app"
const INFRASTRUCTURE =
  /^(?:local_agent|self_admin|prometheus_backend|jaeger.*|zipkin.*|otel.*|consul-dataplane)$/
/** Transparent proxy: hosts that are no service of the mesh. */
const PAST = "original-destination"
/** A custom hash, or a service whose instances are called by their own addresses. */
const BEFORE = /^(?:[0-9a-f]+|passthrough)~/

interface Target {
  readonly service: string
  readonly subset: string
}

/** `[<hash>~|passthrough~][<subset>.]<service>.<ns>[.<partition>].<dc>.internal[-v1].<trust domain>.consul`, or `<peer>.external`. */
function targetOf(name: string): Target | undefined {
  const bare = name.replace(BEFORE, "")
  if (!bare.endsWith(".consul")) return undefined
  const parts = bare.split(".")
  const end = parts.findIndex((part) => part === "internal" || part === "internal-v1" || part === "external")
  // With a partition in the name it is `internal-v1`.
  const wanted = parts[end] === "internal-v1" ? 4 : 3
  if (end !== wanted && end !== wanted + 1) return undefined
  return { service: parts.slice(end - wanted, end).join("."), subset: end > wanted ? (parts[0] ?? "") : "" }
}

function identify(config: ProxyConfig, hint: IdentityHint): ProxyIdentity {
  const { id, cluster: named } = config.node
  const fixed = new Map(Object.entries(config.stats?.fixed ?? {}))
  const of = (part: string): string => fixed.get(`consul.source.${part}`) ?? ""
  const partition = of("partition") === "default" ? "" : of("partition")
  const parts = [of("service"), of("namespace"), partition, of("datacenter")].filter((part) => part !== "")
  const whole = of("service") !== "" && of("datacenter") !== "" ? parts.join(".") : ""
  return {
    proxy: hint.proxy,
    nodeId: id || (hint.nodeId ?? ""),
    flavor: "plain",
    mesh: hint.mesh || DEFAULT_MESH,
    role: hint.role ?? "sidecar",
    resource: whole || hint.resource || named || id || hint.proxy,
  }
}

function cluster({ name }: Cluster, identity: ProxyIdentity): ClusterMeaning {
  const target = targetOf(name)
  if (target !== undefined) {
    const { service: called, subset } = target
    const node = subset === "" ? called : `${called}/${subset}`
    return { kind: "node", direction: "outbound", node, service: called }
  }
  if (name === LOCAL || name.startsWith("exposed_cluster_"))
    return { kind: "node", direction: "inbound", node: identity.resource }
  if (name === PAST) return { kind: "undeclared" }
  if (INFRASTRUCTURE.test(name)) return { kind: "infrastructure" }
  // An escape hatch (`envoy_cluster_json`): whatever somebody wrote.
  return { kind: "node", node: name }
}

function direction(listener: Listener): "inbound" | "outbound" | "unspecified" {
  if (listener.direction !== "unspecified") return listener.direction
  return listener.name.startsWith("public_listener") ? "inbound" : "outbound"
}

/** The service that all clusters of the route are of; where they differ, the upstream that was asked for. */
function service(host: VirtualHost, route: EnvoyRoute | undefined): string {
  const routes = route === undefined ? host.routes : [route]
  const services = new Set<string>()
  for (const { action } of routes) {
    if (action.kind !== "route") continue
    for (const { name } of action.clusters) services.add(targetOf(name)?.service ?? host.name)
  }
  const [only = host.name] = services
  return services.size === 1 ? only : host.name
}
