import { type ProxyIdentity, proxyOwner } from "#mesh/proxy.ts"
import type { ClusterPlan } from "#mesh/request.ts"
import type { Labels } from "../contract.ts"

/** The node or gateway that a proxy belongs to. */
export function ownerLabels(identity: ProxyIdentity): Labels {
  return { mesh: identity.mesh, flavor: identity.flavor, ...proxyOwner(identity) }
}

/** One proxy. */
export function proxyLabels(identity: ProxyIdentity): Labels {
  return { ...ownerLabels(identity), proxy: identity.proxy }
}

/** From the proxy to the node that a cluster stands for. An inbound cluster is the node itself: nobody calls it here. */
export function clusterLabels(identity: ProxyIdentity, plan: ClusterPlan): Labels {
  const labels = { mesh: identity.mesh, flavor: identity.flavor, virtual_node: plan.target.name }
  if (plan.direction === "inbound") return labels
  return identity.role === "gateway"
    ? { ...labels, virtual_gateway: identity.resource }
    : { ...labels, source: identity.resource }
}
