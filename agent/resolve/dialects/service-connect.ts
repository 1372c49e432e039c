import type { Cluster, ProxyConfig, ProxyIdentity } from "#mesh/proxy.ts"
import { UNKNOWN } from "#mesh/resource.ts"
import { EXTENSION_TARGET } from "#mesh/stats.ts"
import type { ClusterMeaning, Dialect, IdentityHint } from "./dialect.ts"

/** `arn:aws:ecs:<region>:<account>:task-set/<cluster>/<service>/ecs-svc/<id>` */
const TASK_SET = /^arn:[a-z-]+:ecs:[a-z0-9-]*:\d*:task-set\/[^/]+\/([^/]+)\//

/**
 * ECS Service Connect, whose configuration nobody outside of its container can read. The ECS service is the node; the
 * service that it calls is known by its discovery name. A namespace is told by nothing that can be read: the mesh is
 * unknown where discovery does not say. It has no routes, and which ECS service answered a call is not told.
 */
export const serviceConnect: Dialect = {
  flavor: "service-connect",
  claims: (config, hint) => hint.flavor === "service-connect" || TASK_SET.test(config.node.id),
  identify,
  cluster,
  direction: (listener) => listener.direction,
  chainless: () => "",
  // Names of its virtual hosts are not public.
  service: () => UNKNOWN,
  gatewayService: () => "",
  // No connection manager: what it calls is counted by the metrics extension alone, target for target.
  prefixes: { outbound: EXTENSION_TARGET },
}

function identify(config: ProxyConfig, hint: IdentityHint): ProxyIdentity {
  const nodeId = config.node.id || (hint.nodeId ?? "")
  return {
    proxy: hint.proxy,
    nodeId,
    flavor: "service-connect",
    mesh: hint.mesh || UNKNOWN,
    role: hint.role ?? "sidecar",
    resource: hint.resource || (TASK_SET.exec(nodeId)?.[1] ?? hint.proxy),
  }
}

/** Envoy's own clusters have names that are not public; what the extension counts has its target's. */
function cluster({ name }: Cluster): ClusterMeaning {
  if (!name.startsWith(EXTENSION_TARGET)) return { kind: "infrastructure" }
  const service = name.slice(EXTENSION_TARGET.length)
  return { kind: "node", direction: "outbound", node: UNKNOWN, service }
}
