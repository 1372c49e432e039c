import type { AttributeValue, Span, SpanEvent, SpanLink } from "#mesh/span.ts"
import { BackWriter } from "../protobuf/back-writer.ts"
import { type Attribute, httpNames, nameOf, proxyNames, requestNames } from "./span-names.ts"

/**
 * Writes a span as what stands in the queue, by field: its Resource (1), its InstrumentationScope (2) and the Span (3)
 * of opentelemetry-proto, trace/v1/trace.proto. `splitSpans` joins those of equal resource and scope.
 */
export interface SpanEncoder {
  /** Good until the next call. Undefined: the span has not ended, which OTLP cannot say. */
  encode(span: Span): Uint8Array | undefined
}

const KINDS = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const
const STATUS_ERROR = 2
/** Attributes that go into other fields. */
const SCOPE_NAME = "otel.scope.name"
const SCOPE_VERSION = "otel.scope.version"
const DESCRIPTION = "otel.status_description"

export function makeSpanEncoder(): SpanEncoder {
  const out = new BackWriter()
  return {
    encode(span) {
      if (span.endUs === undefined) return undefined
      out.reset()
      putSpan(out, span, span.endUs)
      putScope(out, span.attributes)
      putResource(out, span)
      return out.bytes
    },
  }
}

function putResource(out: BackWriter, span: Span): void {
  const before = out.length
  const own: Attribute[] = [["service.name", span.service], ...proxyNames(span.proxy)]
  putAttributes(out, 0x0a, span.resource, own)
  out.message(0x0a, before)
}

function putScope(out: BackWriter, attributes: Span["attributes"]): void {
  const before = out.length
  const version = attributes.get(SCOPE_VERSION)
  const name = attributes.get(SCOPE_NAME)
  if (version !== undefined) out.text(0x12, String(version))
  if (name !== undefined) out.text(0x0a, String(name))
  out.message(0x12, before)
}

function putSpan(out: BackWriter, span: Span, endUs: number): void {
  const before = out.length
  putStatus(out, span)
  const { links = [], events = [] } = span
  for (let index = links.length - 1; index >= 0; index--) putLink(out, links[index])
  for (let index = events.length - 1; index >= 0; index--) putEvent(out, events[index])
  const own = [...httpNames(span), ...requestNames(span)]
  if (span.remote !== "") own.push(["peer.service", span.remote])
  putAttributes(out, 0x4a, span.attributes, own)
  out.nanos(0x41, endUs)
  out.nanos(0x39, span.startUs)
  out.varint(0x30, KINDS[span.kind])
  out.text(0x2a, nameOf(span))
  if (span.parentId !== "") out.hex(0x22, span.parentId)
  if (span.traceState !== undefined) out.text(0x1a, span.traceState)
  out.hex(0x12, span.id)
  out.hex(0x0a, span.traceId)
  out.message(0x1a, before)
}

/**
 * A fault is an error of the span; a caller's fault is one on the caller's side only
 * (opentelemetry.io/docs/specs/semconv/http/http-spans, "Status").
 */
function putStatus(out: BackWriter, { status, kind, http, attributes }: Span): void {
  const before = out.length
  const failed = status.fault || (status.error && (kind !== "server" || http.status === undefined))
  if (failed) out.varint(0x18, STATUS_ERROR)
  const description = attributes.get(DESCRIPTION)
  if (description !== undefined) out.text(0x12, String(description))
  if (out.length > before) out.message(0x7a, before)
}

function putEvent(out: BackWriter, event: SpanEvent | undefined): void {
  if (event === undefined) return
  const before = out.length
  putAttributes(out, 0x1a, event.attributes, [])
  out.text(0x12, event.name)
  out.nanos(0x09, event.timeUs)
  out.message(0x5a, before)
}

function putLink(out: BackWriter, link: SpanLink | undefined): void {
  if (link === undefined) return
  const before = out.length
  putAttributes(out, 0x22, link.attributes, [])
  out.hex(0x12, link.id)
  out.hex(0x0a, link.traceId)
  out.message(0x6a, before)
}

/** What was told, then our own, which win where a name stands in both: a name may stand only once. */
function putAttributes(
  out: BackWriter,
  tag: number,
  toldBySender: ReadonlyMap<string, AttributeValue>,
  own: readonly Attribute[],
): void {
  for (let index = own.length - 1; index >= 0; index--) {
    const one = own[index]
    if (one !== undefined) putAttribute(out, tag, one[0], one[1])
  }
  for (const [name, value] of toldBySender) {
    if (name === SCOPE_NAME || name === SCOPE_VERSION || name === DESCRIPTION) continue
    if (!own.some((one) => one[0] === name)) putAttribute(out, tag, name, value)
  }
}

/** KeyValue: key 1, value 2; AnyValue: string 1, bool 2, int 3, double 4. */
function putAttribute(out: BackWriter, tag: number, name: string, value: AttributeValue): void {
  const before = out.length
  if (typeof value === "string") out.text(0x0a, value)
  else if (typeof value === "boolean") out.varint(0x10, value ? 1 : 0)
  else if (Number.isSafeInteger(value) && !Object.is(value, -0)) out.signed(0x18, value)
  else out.double(0x21, value)
  out.message(0x12, before)
  out.text(0x0a, name)
  out.message(tag, before)
}
