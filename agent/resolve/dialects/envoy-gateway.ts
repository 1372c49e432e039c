import { istioGateway, istioRouter } from "#mesh/istio-names.ts"
import type { EnvoyRoute, Listener, ProxyConfig, ProxyIdentity, VirtualHost } from "#mesh/proxy.ts"
import type { Dialect, IdentityHint } from "./dialect.ts"
import { DEFAULT_MESH } from "./plain.ts"

/** `httproute/default/shop/rule/0`, behind it `/match/<i>/<host>` of a route or `/backend/<i>` of a cluster. */
const OBJECT = /^(?:http|grpc|tcp|tls|udp)route\/([^/]+)\/([^/]+)\/rule\/(-?\d{1,5})(?:\/|$)/
/** A listener of a Gateway: `default/edge/http`. */
const LISTENER = /^([^/]+)\/([^/]+)\/[^/]+$/

/**
 * Envoy Gateway: each cluster is one rule's backends under the rule's name, each virtual host a hostname of a Gateway's
 * listener. Objects have the names that the same Gateway API objects have under Istio.
 */
export const envoyGateway: Dialect = {
  flavor: "plain",
  claims: (config) => config.clusters.some(({ name }) => OBJECT.test(name)),
  identify,
  cluster: ({ name }) => (OBJECT.test(name) ? { kind: "node", node: name } : { kind: "infrastructure" }),
  direction: () => "outbound",
  chainless: () => "",
  service,
  gatewayService: (_, host) => service(host),
  onePass: true,
  router: (route) => routerOf(route.name),
  wireNames: (route) => [ruleOf(route)],
}

function identify(config: ProxyConfig, hint: IdentityHint): ProxyIdentity {
  const { id, cluster } = config.node
  return {
    proxy: hint.proxy,
    nodeId: id || (hint.nodeId ?? ""),
    flavor: "plain",
    mesh: hint.mesh || DEFAULT_MESH,
    role: hint.role ?? "gateway",
    resource: gatewayOf(config.listeners) || hint.resource || cluster || id || hint.proxy,
  }
}

/** Of merged Gateways no one is the proxy. */
function gatewayOf(listeners: readonly Listener[]): string {
  const gateways = new Set<string>()
  for (const { name } of listeners) {
    const [, namespace, gateway] = LISTENER.exec(name) ?? []
    if (namespace !== undefined && gateway !== undefined) gateways.add(istioGateway(gateway, namespace))
  }
  const [only = ""] = gateways
  return gateways.size === 1 ? only : ""
}

/** The hostname; a virtual host's own name holds it with `_` for its dots. */
function service({ name, domains }: VirtualHost): string {
  return domains[0]?.replace(/:(?:\d{1,5}|\*)$/, "") || name
}

function routerOf(name: string): string | undefined {
  const [, namespace, object] = OBJECT.exec(name) ?? []
  return namespace === undefined || object === undefined ? undefined : istioRouter(object, namespace)
}

function ruleOf({ name }: EnvoyRoute): string {
  const rule = OBJECT.exec(name)?.[3]
  return rule === undefined ? name : `http[${Number(rule)}]`
}
