import type { Span, SpanProxy } from "#mesh/span.ts"

/** Most characters of a name (docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html, `name`). */
const MAX_NAME = 200
const CLEAN = /^[\p{L}\p{N}\s_.:/%&#=+\\\-@]{1,200}$/u
const NOT_ALLOWED = /[^\p{L}\p{N}\s_.:/%&#=+\\\-@]/gu
/** What an Envoy calls itself where nobody named it: its node id or cluster, and the OpenTelemetry tracer's default. */
const UNNAMED = /^(?:arn:[^:]*:appmesh:.*:)?mesh\/|^unknown_service\b|^$/
/** Names of ours for what is not known stand in brackets. */
const isName = (text: string): boolean => text !== "" && !text.startsWith("(")

/** A name as X-Ray allows it: what it does not allow is `_`. */
export function cleanName(name: string): string {
  if (CLEAN.test(name)) return name
  const clean = Array.from(name.slice(0, MAX_NAME * 2).replace(NOT_ALLOWED, "_"))
    .slice(0, MAX_NAME)
    .join("")
  return clean.trim() === "" ? "unknown" : clean
}

/** A span that stands for a request that its sender made, within something else: X-Ray's `subsegment`. */
export function isSubsegment(span: Span): boolean {
  if (span.document?.["type"] === "subsegment") return true
  if (span.parentId === "") return false
  if (span.proxy !== undefined) return isEgress(span, span.proxy)
  return span.document === undefined && span.kind !== "server"
}

function isEgress({ kind }: Span, { direction }: SpanProxy): boolean {
  return direction === "egress" || (direction === "unknown" && (kind === "client" || kind === "producer"))
}

/**
 * What X-Ray shows a span as. A proxy's segment is `<mesh>/<resource>`, as App Mesh's agent named them, unless its sender
 * chose a name; what a proxy sent is named after whom it called, so that the map shows the callee
 * (github.com/aws/aws-app-mesh-roadmap, issue 354).
 */
export function spanName(span: Span): string {
  const { proxy, service } = span
  if (proxy === undefined) return cleanName(isSubsegment(span) ? callee(span) : service || span.name)
  if (isSubsegment(span)) return cleanName(proxyCallee(span, proxy))
  const own = UNNAMED.test(service) && isName(proxy.resource) ? `${proxy.mesh}/${proxy.resource}` : service
  return cleanName(own)
}

function callee({ remote, name, service, kind }: Span): string {
  const called = kind === "internal" ? name : remote
  return called || name || service
}

/** By what is known best: the node, as its own segment is named; the service; the host. */
function proxyCallee(span: Span, proxy: SpanProxy): string {
  if (isName(proxy.target)) return `${proxy.mesh}/${proxy.target}`
  if (isName(proxy.virtualService)) return proxy.virtualService
  if (isName(span.remote)) return span.remote
  const host = URL.parse(span.http.url ?? "")?.host
  return host || proxy.cluster || span.name || span.service
}
