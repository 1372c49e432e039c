import type { ProxyIdentity } from "#mesh/proxy.ts"
import { AMBIGUOUS, UNKNOWN } from "#mesh/resource.ts"
import type { SpanProxy } from "#mesh/span.ts"

/**
 * The mesh as App Mesh's agent called it in segment names: with `@owner` where the node id has it
 * (amazon-ecs-service-connect-agent, `getMeshResourceFromNodeId`).
 */
function meshWord({ nodeId, mesh }: Pick<ProxyIdentity, "nodeId" | "mesh">): string {
  const word = /(?:^|:)mesh\/([^/]{1,255})\//.exec(nodeId)?.[1]
  return word !== undefined && word.split("@")[0] === mesh ? word : mesh
}

/** `<mesh>/<resource>`: what a proxy is called in every form, as App Mesh called it in X-Ray. */
export const proxyService = (identity: Pick<ProxyIdentity, "nodeId" | "mesh">, resource: string): string =>
  `${meshWord(identity)}/${resource}`

/**
 * What a proxy is called: the name that somebody chose for it (`XRAY_SEGMENT_NAME`, `service_name`), but not what a tracer
 * says where nobody chose: the node id (Zipkin, and App Mesh 1.15), the node's cluster, Envoy's own words.
 */
export function chosenService(said: string, identity: ProxyIdentity, cluster: string): string {
  const isDefault =
    said === "" || said === identity.nodeId || said === cluster || said.startsWith("unknown_service:")
  return isDefault || /(?:^|:)mesh\/[^/]+\/virtual(?:Node|Gateway)\//.test(said)
    ? proxyService(identity, identity.resource)
    : said
}

/**
 * The callee as its own proxy calls itself, so that a map of services joins the two; else the virtual service. Empty where
 * no name of the mesh stands for it.
 */
export function calleeOf(
  { target, virtualService }: Pick<SpanProxy, "target" | "virtualService">,
  caller: Pick<ProxyIdentity, "nodeId" | "mesh">,
): string {
  if (isName(target)) return proxyService(caller, target)
  return isName(virtualService) ? virtualService : ""
}

/** Words that stand for not knowing are no names; those that tell what it was stay. */
export const sureName = (name: string): string => (name === UNKNOWN || name === AMBIGUOUS ? "" : name)

/** `(undeclared)` and the like are words of ours. */
const isName = (text: string): boolean => text !== "" && !text.startsWith("(")

/** What was done, as Envoy's own tracers call it. */
export function operationOf(direction: SpanProxy["direction"], authority: string): string {
  if (direction === "egress") return authority === "" ? "egress" : `egress ${authority}`
  return direction === "ingress" ? "ingress" : "proxy"
}
