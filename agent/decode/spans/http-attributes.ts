import { type AttributeValue, type SpanHttp, type SpanKind, type SpanStatus, STATUS_OK } from "#mesh/span.ts"

/**
 * Names of what `SpanHttp` holds, newest first: OpenTelemetry's since 1.23, before it, and Envoy's own, which it uses with
 * every tracer (opentelemetry.io/docs/specs/semconv/non-normative/http-migration;
 * envoy source/common/tracing/http_tracer_impl.cc).
 */
const METHOD = ["http.request.method", "http.method"]
const URL_WHOLE = ["url.full", "http.url"]
const URL_PATH = ["url.path", "http.target", "http.path"]
const STATUS = ["http.response.status_code", "http.status_code"]
const USER_AGENT = ["user_agent.original", "http.user_agent", "user_agent"]
const REQUEST_BYTES = ["http.request.body.size", "http.request_content_length", "request_size"]
const RESPONSE_BYTES = ["http.response.body.size", "http.response_content_length", "response_size"]
/** Of a server span: who sent the request, as it claims, and as its connection shows. */
const CLIENT_CLAIMED = ["client.address", "http.client_ip"]
const CLIENT_SEEN = ["network.peer.address", "net.sock.peer.addr", "net.peer.ip", "peer.address"]

type Attributes = Map<string, AttributeValue>

/** Takes out of `attributes` what `SpanHttp` has a field for, under all its names. */
export function takeHttp(attributes: Attributes, kind: SpanKind): SpanHttp {
  if (attributes.size === 0) return {}
  const method = take(attributes, METHOD, textOf)
  const url = takeUrl(attributes)
  const status = take(attributes, STATUS, statusCodeOf)
  const userAgent = take(attributes, USER_AGENT, textOf)
  const requestBytes = take(attributes, REQUEST_BYTES, bytesOf)
  const responseBytes = take(attributes, RESPONSE_BYTES, bytesOf)
  return {
    ...(method === undefined ? {} : { method }),
    ...(url === undefined ? {} : { url }),
    ...(status === undefined ? {} : { status }),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(kind === "server" ? takeClient(attributes) : {}),
    ...(requestBytes === undefined ? {} : { requestBytes }),
    ...(responseBytes === undefined ? {} : { responseBytes }),
  }
}

/** X-Ray's rules: the code decides, 0 is no answer; where it says nothing bad, the sender's own word does. */
export function statusOf(code: number | undefined, failed: boolean): SpanStatus {
  if (code === 429) return { error: true, throttle: true, fault: false }
  if (code !== undefined && code >= 400 && code < 500) return { error: true, throttle: false, fault: false }
  if (code === 0 || (code !== undefined && code >= 500) || failed)
    return { error: false, throttle: false, fault: true }
  return STATUS_OK
}

function take<T>(
  attributes: Attributes,
  names: readonly string[],
  read: (value: AttributeValue) => T | undefined,
): T | undefined {
  let found: T | undefined
  for (const name of names) {
    const value = attributes.get(name)
    const known = value === undefined ? undefined : read(value)
    if (known === undefined || (found !== undefined && known !== found)) continue
    found = known
    attributes.delete(name)
  }
  return found
}

/** The whole URL where it can be told. Its host and scheme stay attributes, since they are more than parts of it. */
function takeUrl(attributes: Attributes): string | undefined {
  const whole = take(attributes, URL_WHOLE, textOf)
  if (whole !== undefined) {
    dropParts(attributes, whole)
    return whole
  }
  const path = take(attributes, URL_PATH, textOf)
  if (path === undefined) return undefined
  const query = path.includes("?") ? undefined : take(attributes, ["url.query"], textOf)
  return `${originOf(attributes)}${path}${query === undefined ? "" : `?${query}`}`
}

/** Parts that a sender gave beside the whole, where they say nothing else. */
function dropParts(attributes: Attributes, whole: string): void {
  const path = attributes.get("url.path")
  const query = attributes.get("url.query")
  const scheme = attributes.get("url.scheme")
  const end = `${String(path ?? "")}${query === undefined ? "" : `?${String(query)}`}`
  if (path !== undefined && whole.endsWith(end)) {
    attributes.delete("url.path")
    attributes.delete("url.query")
  }
  if (scheme !== undefined && whole.startsWith(`${String(scheme)}://`)) attributes.delete("url.scheme")
}

/** `http://host:port`, or empty where the host is not known. */
function originOf(attributes: Attributes): string {
  const first = (names: readonly string[]): string | undefined =>
    names
      .map((name) => attributes.get(name))
      .find((value) => value !== undefined && value !== "")
      ?.toString()
  const host = first(["server.address", "http.host", "net.host.name"])
  if (host === undefined) return ""
  const scheme = first(["url.scheme", "http.scheme"]) ?? "http"
  const port = first(["server.port", "net.host.port"])
  const usual = scheme === "https" ? "443" : "80"
  const shown = port === undefined || port === usual || host.includes(":") ? "" : `:${port}`
  return `${scheme}://${host}${shown}`
}

/** `client.address` may be what a header claims, unless the connection shows the same. */
function takeClient(attributes: Attributes): Pick<SpanHttp, "clientIp" | "forwarded"> {
  const claimed = take(attributes, CLIENT_CLAIMED, textOf)
  if (claimed === undefined) {
    const clientIp = take(attributes, CLIENT_SEEN, textOf)
    return clientIp === undefined ? {} : { clientIp }
  }
  if (attributes.get("network.peer.address") !== claimed) return { clientIp: claimed, forwarded: true }
  attributes.delete("network.peer.address")
  return { clientIp: claimed }
}

const textOf = (value: AttributeValue): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined

function bytesOf(value: AttributeValue): number | undefined {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

function statusCodeOf(value: AttributeValue): number | undefined {
  const number = bytesOf(value)
  return number === undefined || number > 999 ? undefined : number
}
