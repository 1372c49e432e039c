import { isIPv4, isIPv6 } from "node:net"
import type { AttributeValue, Span } from "#mesh/span.ts"
import { nameOf, proxyNames, requestNames } from "../otlp-traces/span-names.ts"

/**
 * A span as Zipkin's JSON, version 2 (zipkin.io/zipkin-api). The format has texts only, no resource and no links: what the
 * sender told of its process becomes tags, links are left out. Names of HTTP are those that Envoy gives its tags.
 *
 * Only ASCII is written, the rest as `\u` escapes: Zipkin's server (3.5.1) decodes compressed bodies in pieces, and breaks
 * characters that two of them share.
 */
export function zipkinJson(span: Span): string {
  const { startUs, endUs } = span
  const kind = span.kind === "internal" ? undefined : span.kind.toUpperCase()
  const tags = tagsOf(span)
  return ascii({
    traceId: span.traceId,
    parentId: span.parentId === "" ? undefined : span.parentId,
    id: span.id,
    kind,
    name: nameOf(span),
    timestamp: startUs,
    // 0 would mean that it is not known.
    duration: endUs === undefined ? undefined : Math.max(1, endUs - startUs),
    localEndpoint: localOf(span),
    remoteEndpoint: remoteOf(span),
    annotations: span.events?.map(({ timeUs, name, attributes }) => ({
      timestamp: timeUs,
      value: attributes.size === 0 ? name : `${JSON.stringify(name)}: ${JSON.stringify(plain(attributes))}`,
    })),
    tags: tags.size === 0 ? undefined : plain(tags),
  })
}

const NOT_ASCII = /[\u0080-\uFFFF]/g

function ascii(value: object): string {
  return JSON.stringify(value).replaceAll(
    NOT_ASCII,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
}

interface Endpoint {
  readonly serviceName?: string
  readonly ipv4?: string
  readonly ipv6?: string
  readonly port?: number
}

const localOf = ({ service, attributes }: Span): Endpoint | undefined =>
  endpointOf(service, attributes.get("net.host.ip"), attributes.get("net.host.port"))

/** A server's remote end is its client, where that is no claim of a header. */
function remoteOf({ remote, attributes, kind, http }: Span): Endpoint | undefined {
  const ip =
    attributes.get("net.peer.ip") ??
    (kind === "server" && http.forwarded !== true ? http.clientIp : undefined)
  return endpointOf(remote, ip, attributes.get("net.peer.port"))
}

function endpointOf(
  serviceName: string,
  ip: AttributeValue | undefined,
  port: AttributeValue | undefined,
): Endpoint | undefined {
  const endpoint = {
    ...(serviceName === "" ? {} : { serviceName }),
    ...(isIPv4(String(ip)) ? { ipv4: String(ip) } : {}),
    ...(isIPv6(String(ip)) ? { ipv6: String(ip) } : {}),
    ...(isPort(port) ? { port: Number(port) } : {}),
  }
  return Object.keys(endpoint).length === 0 ? undefined : endpoint
}

const isIp = (text: AttributeValue): boolean => isIPv4(String(text)) || isIPv6(String(text))
const isPort = (value: AttributeValue | undefined): boolean =>
  Number.isInteger(Number(value ?? 0)) && Number(value ?? 0) > 0 && Number(value) < 65_536

/** Attributes that the endpoints hold. */
function inEndpoint(name: string, value: AttributeValue): boolean {
  if (name === "net.host.ip" || name === "net.peer.ip") return isIp(value)
  return (name === "net.host.port" || name === "net.peer.port") && isPort(value)
}

function tagsOf(span: Span): Map<string, AttributeValue> {
  const { http, status, kind } = span
  const tags = new Map<string, AttributeValue>()
  for (const [name, value] of [...span.resource, ...span.attributes])
    if (name !== DESCRIPTION && !inEndpoint(name, value)) tags.set(name, value)
  for (const [name, value] of [...proxyNames(span.proxy), ...requestNames(span)]) tags.set(name, value)
  const put = (name: string, value: AttributeValue | undefined): void => {
    if (value !== undefined) tags.set(name, value)
  }
  put("http.method", http.method)
  put(http.url?.startsWith("/") === true ? "http.path" : "http.url", http.url)
  put("http.status_code", http.status)
  put("user_agent", http.userAgent)
  if (http.clientIp !== undefined && (kind !== "server" || !isIp(http.clientIp) || http.forwarded === true))
    put(http.forwarded === true ? "client.address" : "peer.address", http.clientIp)
  put("request_size", http.requestBytes)
  put("response_size", http.responseBytes)
  if (status.fault || status.error) put("error", span.attributes.get(DESCRIPTION) ?? "true")
  return tags
}
const DESCRIPTION = "otel.status_description"

/** Texts by name; a member called `__proto__` is one like any other. */
function plain(attributes: ReadonlyMap<string, AttributeValue>): Record<string, string> {
  return Object.fromEntries([...attributes].map(([name, value]) => [name, String(value)]))
}
