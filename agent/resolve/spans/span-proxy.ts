import type { ProxyIdentity } from "#mesh/proxy.ts"
import type { Span } from "#mesh/span.ts"
import type { DeclaredNames } from "./declared-names.ts"
import type { KnownProxies } from "./known-proxies.ts"
import { type KnownProxy, nameAlone, proxyByNodeId } from "./known-proxy.ts"
import { TAG, tagText } from "./span-fact.ts"

/** As the X-Ray decoder passes on `origin` and `aws.app_mesh`. */
const ORIGIN = "aws.xray.origin"
const MESH = "aws.app_mesh.mesh_name"
const NODE = "aws.app_mesh.virtual_node_name"
const GATEWAY = "aws.app_mesh.virtual_gateway_name"
const PROXY_ORIGIN = "AWS::AppMesh::Proxy"
/** A node id is an ARN or shorter; longer texts are no names. */
const MAX_NAME = 2048

/** Whether a proxy made the span, whichever it was. */
function isProxySpan(span: Span): boolean {
  return (
    span.attributes.get(TAG.component) === "proxy" ||
    span.resource.get(ORIGIN) === PROXY_ORIGIN ||
    resourceText(span, MESH) !== ""
  )
}

/**
 * The proxy that made a span, by what tells it surest: the node id, App Mesh's block in the segment, the name of the
 * service. App Mesh wrote gateways under `virtual_node_name`, so that name alone does not tell what it is: the proxies
 * that this agent knows do, and the declared model. Undefined for spans of applications and of strangers.
 */
export function proxyOf(span: Span, known: KnownProxies, declared: DeclaredNames): KnownProxy | undefined {
  if (!isProxySpan(span)) return undefined
  const nodeId = tagText(span, TAG.nodeId)
  const byId = nodeId === "" || nodeId.length > MAX_NAME ? undefined : byNodeId(nodeId, known)
  return byId ?? bySegment(span, known, declared) ?? byService(span.service, known, declared)
}

const byNodeId = (nodeId: string, known: KnownProxies): KnownProxy | undefined =>
  known.byNodeId(nodeId) ?? proxyByNodeId(nodeId)

function bySegment(span: Span, known: KnownProxies, declared: DeclaredNames): KnownProxy | undefined {
  const word = resourceText(span, MESH)
  const gateway = resourceText(span, GATEWAY)
  const resource = gateway || resourceText(span, NODE)
  if (word === "" || resource === "") return undefined
  return byNames(word, resource, gateway === "" ? "sidecar" : "gateway", known, declared)
}

/** `<mesh>/<resource>` of a mesh that is declared or has a proxy of that name here; else it may be anything. */
function byService(service: string, known: KnownProxies, declared: DeclaredNames): KnownProxy | undefined {
  if (service.length > MAX_NAME) return undefined
  const named = known.byService(service) ?? proxyByNodeId(service)
  if (named !== undefined) return named
  const slash = service.indexOf("/")
  if (slash <= 0) return undefined
  const [word, resource] = [service.slice(0, slash), service.slice(slash + 1)]
  const mesh = bareMesh(word)
  const isKnown =
    known.byResource(mesh, resource) !== undefined ||
    declared.isGateway(mesh, resource) ||
    declared.isNode(mesh, resource)
  return isKnown ? byNames(word, resource, "sidecar", known, declared) : undefined
}

function byNames(
  word: string,
  resource: string,
  said: ProxyIdentity["role"],
  known: KnownProxies,
  declared: DeclaredNames,
): KnownProxy | undefined {
  const mesh = bareMesh(word)
  const here = known.byResource(mesh, resource)
  if (here !== undefined) return here
  const role = declared.isGateway(mesh, resource) ? "gateway" : said
  const kind = role === "gateway" ? "virtualGateway" : "virtualNode"
  const nodeId = `mesh/${word}/${kind}/${resource}`
  return nameAlone({ proxy: "", nodeId, flavor: "app-mesh", mesh, role, resource })
}

const bareMesh = (word: string): string => word.split("@")[0] ?? word

function resourceText({ resource }: Span, name: string): string {
  const value = resource.get(name)
  return typeof value === "string" && value.length <= MAX_NAME ? value : ""
}
