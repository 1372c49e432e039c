import type { AttributeValue, Span, SpanHttp, SpanProxy } from "#mesh/span.ts"

export type Attribute = readonly [name: string, value: AttributeValue]

/**
 * Names of ours for the mesh that a proxy's span stands for. OpenTelemetry has no conventions for a mesh
 * (opentelemetry.io/docs/specs/semconv/registry/attributes), so they are the labels of our metrics behind `mesh.`.
 */
const MESH = {
  name: "mesh.name",
  flavor: "mesh.flavor",
  virtualNode: "mesh.virtual_node",
  virtualGateway: "mesh.virtual_gateway",
  direction: "mesh.direction",
  target: "mesh.target",
  virtualService: "mesh.virtual_service",
  route: "mesh.route",
} as const

/** A span's name: what was done, or the little that is known of it. OTLP asks for one; X-Ray's spans have none. */
export function nameOf({ name, http, remote, service }: Span): string {
  return name || http.method || remote || service || "unknown"
}

/** Which proxy it was: the same for all its spans. */
export function proxyNames(proxy: SpanProxy | undefined): Attribute[] {
  if (proxy === undefined) return []
  const resource = proxy.role === "gateway" ? MESH.virtualGateway : MESH.virtualNode
  return told([
    [MESH.name, proxy.mesh],
    [MESH.flavor, proxy.flavor],
    [resource, proxy.resource],
  ])
}

/** What the proxy did with this request. Cluster and flags under Envoy's names, where the span does not have them. */
export function requestNames({ proxy, attributes }: Span): Attribute[] {
  if (proxy === undefined) return []
  const { direction } = proxy
  return told([
    [MESH.direction, direction === "unknown" ? "" : direction],
    [MESH.target, proxy.target],
    [MESH.virtualService, proxy.virtualService],
    [MESH.route, proxy.route],
    ["upstream_cluster", attributes.has("upstream_cluster") ? "" : proxy.cluster],
    ["response_flags", attributes.has("response_flags") ? "" : proxy.flags],
  ])
}

const told = (names: readonly Attribute[]): Attribute[] => names.filter(([, value]) => value !== "")

/**
 * HTTP by OpenTelemetry's stable conventions (opentelemetry.io/docs/specs/semconv/http/http-spans). Where the client's
 * address is no claim of a header, `network.peer.address` says the same.
 */
export function httpNames({ http, kind, attributes }: Span): Attribute[] {
  const names: Attribute[] = []
  const put = (name: string, value: AttributeValue | undefined): void => {
    if (value !== undefined) names.push([name, value])
  }
  put("http.request.method", http.method)
  putUrl(put, http.url, kind === "server", attributes)
  put("http.response.status_code", http.status)
  put("user_agent.original", http.userAgent)
  putClient(put, http, kind === "server")
  put("http.request.body.size", http.requestBytes)
  put("http.response.body.size", http.responseBytes)
  return names
}

type Put = (name: string, value: AttributeValue | undefined) => void

/** A server's span has the parts; the whole is given where it is known. */
function putUrl(put: Put, url: string | undefined, server: boolean, known: Span["attributes"]): void {
  if (url === undefined) return
  const whole = /^(https?):\/\/[^/?#]*/.exec(url)
  if (whole === null && !url.startsWith("/")) {
    put("url.full", url)
    return
  }
  if (whole !== null) put("url.full", url)
  if (whole !== null && (!server || known.has("url.path"))) return
  const rest = url.slice(whole?.[0].length ?? 0)
  const query = rest.search(/\?./)
  put("url.path", query < 0 ? rest : rest.slice(0, query))
  if (query >= 0 && !known.has("url.query")) put("url.query", rest.slice(query + 1))
  if (whole !== null && !known.has("url.scheme")) put("url.scheme", whole[1])
}

function putClient(put: Put, { clientIp, forwarded }: SpanHttp, server: boolean): void {
  if (clientIp === undefined) return
  put("client.address", clientIp)
  if (server && forwarded !== true) put("network.peer.address", clientIp)
}
