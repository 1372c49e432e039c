import type { ProxyConfig, ProxyIdentity } from "#mesh/proxy.ts"
import { UNKNOWN } from "#mesh/resource.ts"
import type { Dialect, IdentityHint } from "./dialect.ts"

/** Stands for the mesh of Envoys that name none. */
export const DEFAULT_MESH = "default"

/**
 * An Envoy that somebody configured by hand or by a control plane we do not know: a cluster is a virtual node, a virtual
 * host a virtual service, and a route is called by its own name.
 */
export const plain: Dialect = {
  flavor: "plain",
  claims: () => true,
  identify,
  cluster: ({ name }) => ({ kind: "node", node: name }),
  // Without a word on it a listener is one that others call through: what it sends on is outbound.
  direction: (listener) => (listener.direction === "inbound" ? "inbound" : "outbound"),
  // What its chains ask for is anybody's choice: the called host may be declared.
  chainless: (listener) => (listener.direction === "outbound" ? UNKNOWN : ""),
  service: (host) => host.name,
  gatewayService: (_, host) => host.name,
  onePass: true,
}

function identify(config: ProxyConfig, hint: IdentityHint): ProxyIdentity {
  const { id, cluster } = config.node
  return {
    proxy: hint.proxy,
    nodeId: id || (hint.nodeId ?? ""),
    flavor: "plain",
    mesh: hint.mesh || DEFAULT_MESH,
    role: hint.role ?? "sidecar",
    resource: hint.resource || cluster || id || hint.proxy,
  }
}
