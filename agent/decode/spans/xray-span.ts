import type { JsonObject } from "#mesh/json-object.ts"
import type { Span, SpanHttp, SpanKind } from "#mesh/span.ts"
import { flagAt, numberAt, objectAt, textAt } from "./lenient-json.ts"
import { Attributes, putAttributes, putCall, putResource } from "./xray-words.ts"

/** Why a document is no span. */
export type DocumentFault = "no_name" | "no_id" | "no_trace_id" | "bad_time"

/** What a subsegment has from the segment around it. */
export interface Surroundings {
  readonly traceId: string
  readonly parentId: string
  readonly service: string
  readonly resource: Span["resource"]
}

const TRACE_ID = /^1-[0-9a-f]{8}-[0-9a-f]{24}$/i
const ID = /^[0-9a-f]{16}$/i
const ZEROS = /^0+$/
const NOTHING: Span["resource"] = new Map()
/** 1970 to 2200: beyond it, microseconds would not be whole numbers any more, or the clock is no clock. */
const LAST_SECOND = 7_258_118_400

/** A span of a parsed segment or subsegment, without those nested in it. `around` is given for nested ones. */
export function spanOf(
  document: JsonObject,
  around: Surroundings | undefined,
  cut: (attributes: number) => void,
): Span | DocumentFault {
  const name = textAt(document, "name")
  if (name === undefined) return "no_name"
  const id = idAt(document, "id")
  if (id === undefined) return "no_id"
  const traceId = around?.traceId ?? traceIdOf(document)
  if (traceId === undefined) return "no_trace_id"
  const start = microseconds(document, "start_time")
  if (start === undefined) return "bad_time"
  const end = microseconds(document, "end_time")
  const isSub = around !== undefined || textAt(document, "type") === "subsegment"
  const resource = isSub ? undefined : new Attributes()
  const attributes = new Attributes()
  putAttributes(attributes, document)
  if (isSub) putCall(attributes, document)
  if (resource !== undefined) putResource(resource, document)
  cut(attributes.cut + (resource?.cut ?? 0))
  const namespace = isSub ? textAt(document, "namespace") : undefined
  return {
    traceId,
    id,
    parentId: around?.parentId ?? idAt(document, "parent_id") ?? "",
    name: isSub ? name : "",
    kind: isSub ? subsegmentKind(namespace) : segmentKind(document),
    startUs: start,
    endUs: end === undefined ? undefined : Math.max(start, end),
    service: isSub ? (around?.service ?? "") : name,
    remote: namespace === undefined ? "" : name,
    http: httpOf(document),
    status: {
      error: flagAt(document, "error"),
      throttle: flagAt(document, "throttle"),
      fault: flagAt(document, "fault"),
    },
    attributes: attributes.values,
    resource: resource?.values ?? around?.resource ?? NOTHING,
    proxy: undefined,
    document: around === undefined ? document : undefined,
    ...(around === undefined ? {} : { carried: true }),
  }
}

/**
 * Both sides of an Envoy write segments. Its annotation tells which it was; older ones have only the name of the cluster,
 * by which App Mesh told them apart.
 */
function segmentKind(document: JsonObject): SpanKind {
  const annotations = objectAt(document, "annotations")
  const direction = textAt(annotations, "direction")
  if (direction !== undefined) return direction === "egress" ? "client" : "server"
  return textAt(annotations, "upstream_cluster")?.startsWith("cds_egress_") === true ? "client" : "server"
}

const subsegmentKind = (namespace: string | undefined): SpanKind =>
  namespace === "remote" || namespace === "aws" ? "client" : "internal"

function traceIdOf(document: JsonObject): string | undefined {
  const text = textAt(document, "trace_id")
  if (text === undefined || !TRACE_ID.test(text)) return undefined
  const digits = `${text.slice(2, 10)}${text.slice(11)}`.toLowerCase()
  return ZEROS.test(digits) ? undefined : digits
}

function idAt(document: JsonObject, key: string): string | undefined {
  const text = textAt(document, key)
  return text !== undefined && ID.test(text) && !ZEROS.test(text) ? text.toLowerCase() : undefined
}

function microseconds(document: JsonObject, key: string): number | undefined {
  const seconds = numberAt(document, key)
  return seconds !== undefined && seconds > 0 && seconds < LAST_SECOND ? Math.round(seconds * 1e6) : undefined
}

function httpOf(document: JsonObject): SpanHttp {
  const http = objectAt(document, "http")
  if (http === undefined) return {}
  const request = objectAt(http, "request")
  const response = objectAt(http, "response")
  return present({
    method: textAt(request, "method"),
    url: textAt(request, "url"),
    userAgent: textAt(request, "user_agent"),
    clientIp: textAt(request, "client_ip"),
    forwarded: flagAt(request, "x_forwarded_for") ? true : undefined,
    status: numberAt(response, "status"),
    responseBytes: numberAt(response, "content_length"),
  })
}

/** Without the fields that are undefined. */
function present(http: { readonly [Key in keyof SpanHttp]: SpanHttp[Key] | undefined }): SpanHttp {
  return Object.fromEntries(Object.entries(http).filter(([, value]) => value !== undefined))
}
