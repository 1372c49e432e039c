import type { JsonObject } from "#mesh/json-object.ts"
import type { Span, SpanEvent, SpanStatus } from "#mesh/span.ts"
import { type Annotations, namedAnnotations, proxyAnnotations } from "./annotations.ts"
import { awsBlock, originOf } from "./aws-block.ts"
import { type Draft, objectOf, present } from "./json-draft.ts"
import { cleanName, isSubsegment, spanName } from "./names.ts"

export interface DocumentOptions {
  /** Attributes that become annotations of spans that did not come as X-Ray documents. */
  readonly annotate: ReadonlySet<string>
  /** The CloudWatch log group with the access lines of a proxy's mesh. */
  readonly logGroup: (mesh: string) => string | undefined
}

/** Longest text of a field where its rule says nothing else (…/xray-api-segmentdocuments.html). */
const MAX_TEXT = 250

/** `1-5759e988-bd862e3fe1be46a994272793` of 32 digits. */
export function xrayTraceId(traceId: string): string {
  return `1-${traceId.slice(0, 8)}-${traceId.slice(8)}`
}

/**
 * A span as an X-Ray document, at any size. What came as one is the start, so fields that we do not know stay; one of an
 * application leaves as it came, but for a name that X-Ray would refuse.
 */
export function documentOf(span: Span, options: DocumentOptions): JsonObject {
  if (span.document === undefined) return built(span, options)
  if (span.proxy !== undefined) return completed(span, span.document, options)
  const { name } = span.document
  return typeof name === "string" && cleanName(name) !== name
    ? { ...span.document, name: cleanName(name) }
    : span.document
}

/** An Envoy's own document, with what it left out or could not know. */
function completed(span: Span, document: JsonObject, options: DocumentOptions): JsonObject {
  return {
    ...document,
    name: spanName(span),
    ...(isSubsegment(span) ? { type: "subsegment", namespace: "remote" } : {}),
    ...common(span, options),
  }
}

function built(span: Span, options: DocumentOptions): JsonObject {
  const sub = isSubsegment(span)
  const version = span.resource.get("service.version")
  const document: Draft = {
    name: spanName(span),
    id: span.id,
    trace_id: xrayTraceId(span.traceId),
    start_time: span.startUs / 1e6,
    ...(span.endUs === undefined ? { in_progress: true } : { end_time: span.endUs / 1e6 }),
    ...(span.parentId === "" ? {} : { parent_id: span.parentId }),
    ...(sub ? { type: "subsegment" } : {}),
    http: httpBlock(span, sub),
    ...common(span, options),
    namespace: sub ? namespaceOf(span) : undefined,
    user: sub ? undefined : span.attributes.get("enduser.id"),
    service: version === undefined || sub ? undefined : { version: String(version) },
    sql: sqlBlock(span),
    cause: causeBlock(span),
  }
  return present(document) ?? document
}

/** What every document of a proxy, and every document that we make, has. */
function common(span: Span, options: DocumentOptions): Draft {
  const { proxy } = span
  const logGroup = proxy === undefined ? undefined : options.logGroup(proxy.mesh)
  const annotations =
    proxy === undefined ? namedAnnotations(span, options.annotate) : proxyAnnotations(span, proxy)
  const origin = isSubsegment(span) ? undefined : originOf(span)
  return {
    ...statusFlags(span.status),
    origin,
    aws: awsBlock(span, logGroup),
    annotations: present(annotations.kept),
    metadata: metadataOf(span, annotations),
  }
}

/** `undefined` takes away what the sender said. */
function statusFlags({ error, throttle, fault }: SpanStatus): Draft {
  return { error: error || undefined, throttle: throttle || undefined, fault: fault || undefined }
}

function metadataOf(span: Span, annotations: Annotations): Draft | undefined {
  const told = objectOf(span.document, "metadata")
  const isOther = span.document === undefined && span.proxy === undefined
  return present({
    ...told,
    default: isOther ? otherAttributes(span, annotations) : told["default"],
    annotations: annotations.rest ?? told["annotations"],
    events: span.events === undefined ? told["events"] : span.events.map(eventOf),
  })
}

/** As the Collector's exporter has them: attributes by name, those of the resource with a prefix. */
function otherAttributes(span: Span, { kept }: Annotations): Draft | undefined {
  const own = [...span.attributes].filter(([name]) => !Object.hasOwn(kept, name))
  const resource = [...span.resource].map(([name, value]) => [`otel.resource.${name}`, value] as const)
  const name = span.name === "" ? [] : ([["otel.name", span.name]] as const)
  const links = (span.links ?? []).map(({ traceId, id }) => `${xrayTraceId(traceId)}@${id}`)
  return present(
    Object.fromEntries([
      ...name,
      ...own,
      ...resource,
      ...(links.length === 0 ? [] : [["otel.links", links]]),
    ]),
  )
}

function eventOf({ timeUs, name, attributes }: SpanEvent): Draft {
  return { time: timeUs / 1e6, name, ...Object.fromEntries(attributes) }
}

function namespaceOf({ kind, attributes }: Span): string | undefined {
  if (attributes.get("rpc.system") === "aws-api") return "aws"
  return kind === "client" || kind === "producer" ? "remote" : undefined
}

function httpBlock({ http }: Span, sub: boolean): Draft | undefined {
  const status = http.status === 0 ? undefined : http.status
  return present({
    request: present({
      method: http.method?.slice(0, MAX_TEXT),
      url: http.url?.slice(0, MAX_TEXT),
      user_agent: http.userAgent?.slice(0, MAX_TEXT),
      client_ip: http.clientIp?.slice(0, MAX_TEXT),
      x_forwarded_for: sub || http.forwarded !== true ? undefined : true,
    }),
    response: present({ status, content_length: http.responseBytes }),
  })
}

function sqlBlock({ attributes }: Span): Draft | undefined {
  const system = attributes.get("db.system") ?? attributes.get("db.system.name")
  if (system === undefined) return undefined
  return present({
    database_type: system,
    sanitized_query: attributes.get("db.statement") ?? attributes.get("db.query.text"),
    user: attributes.get("db.user"),
    url: attributes.get("db.connection_string"),
  })
}

/** The first exception that was told, as an attribute or as an event by OpenTelemetry's names. Its id is the span's. */
function causeBlock(span: Span): Draft | undefined {
  const event = span.events?.find(({ name }) => name === "exception")
  const from = event?.attributes ?? span.attributes
  const type = from.get("exception.type")
  const message = from.get("exception.message")
  if (type === undefined && message === undefined) return undefined
  return { exceptions: [{ id: span.id, ...present({ type, message }) }] }
}
