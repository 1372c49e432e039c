import { MeshscopeError } from "#mesh/errors.ts"
import type { AttributeValue } from "#mesh/span.ts"
import {
  hex,
  limit,
  malformed,
  microsecondsOfNanos,
  skip,
  text,
  varint,
  type Wire,
  wireOf,
} from "../protobuf-wire.ts"
import {
  finishOtlpSpan,
  OTLP_KINDS,
  type OtlpOrigin,
  type OtlpScope,
  originOf,
  takeScope,
  takeStatus,
} from "./otlp-span.ts"
import { readAttribute } from "./otlp-value.ts"
import { makeDraft, putEvent, putLink, type SpanDraft } from "./span-draft.ts"
import type { SpanVisitor } from "./span-visitor.ts"

/**
 * Reads `ExportTraceServiceRequest` (opentelemetry-proto, trace/v1/trace.proto): resource_spans = 1. Fields may come in any
 * order, so each message is looked through once for what its spans have in common. A span that is no good is told as
 * refused, and the rest is read.
 * @throws MeshscopeError INTAKE_MALFORMED where the request breaks off outside of a span; what was told before stays told
 */
export function readOtlpProtobuf(body: Uint8Array, visitor: SpanVisitor): void {
  const wire = wireOf(body)
  each(wire, body.length, 10, (end) => {
    readResourceSpans(wire, end, visitor)
  })
}

/** Calls back per message under `wanted`, with its end; the rest is passed over. */
function each(wire: Wire, end: number, wanted: number, message: (end: number) => void): void {
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === wanted) {
      const stop = limit(wire, end)
      message(stop)
      wire.at = stop
    } else skip(wire, tag, end)
  }
}

/** ResourceSpans: resource 1, scope_spans 2. */
function readResourceSpans(wire: Wire, end: number, visitor: SpanVisitor): void {
  const start = wire.at
  const attributes = new Map<string, AttributeValue>()
  const counter = { cut: 0 }
  each(wire, end, 10, (stop) => {
    each(wire, stop, 10, (attributeEnd) => {
      readAttribute(wire, attributeEnd, { attributes, counter })
    })
  })
  if (counter.cut > 0) visitor.cut(counter.cut)
  const origin = originOf(attributes)
  wire.at = start
  each(wire, end, 18, (stop) => {
    readScopeSpans(wire, stop, origin, visitor)
  })
}

/** ScopeSpans: scope 1, spans 2. */
function readScopeSpans(wire: Wire, end: number, origin: OtlpOrigin, visitor: SpanVisitor): void {
  const start = wire.at
  const scope: OtlpScope = { name: "", version: "" }
  each(wire, end, 10, (stop) => {
    readScope(wire, stop, scope)
  })
  wire.at = start
  each(wire, end, 18, (stop) => {
    try {
      const draft = makeDraft()
      readSpan(wire, stop, draft)
      takeScope(draft, scope)
      finishOtlpSpan(draft, origin, visitor)
    } catch (error) {
      if (!(error instanceof MeshscopeError)) throw error
      visitor.refused("invalid", 1)
    }
  })
}

/** InstrumentationScope: name 1, version 2. */
function readScope(wire: Wire, end: number, scope: OtlpScope): void {
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 10) scope.name = text(wire, end)
    else if (tag === 18) scope.version = text(wire, end)
    else skip(wire, tag, end)
  }
}

function readSpan(wire: Wire, end: number, draft: SpanDraft): void {
  while (wire.at < end) readField(wire, varint(wire, end), end, draft)
}

/** Span: trace_id 1, span_id 2, trace_state 3, parent 4, name 5, kind 6, start 7, end 8, attributes 9, events 11, links 13, status 15. */
function readField(wire: Wire, tag: number, end: number, draft: SpanDraft): void {
  switch (tag) {
    case 10:
      draft.traceId = idOf(wire, end, 16)
      return
    case 18:
      draft.id = idOf(wire, end, 8)
      return
    case 26:
      draft.traceState = text(wire, end)
      return
    case 34:
      draft.parentId = idOf(wire, end, 8)
      return
    case 42:
      draft.name = text(wire, end)
      return
    case 48:
      draft.kind = OTLP_KINDS.get(varint(wire, end)) ?? "internal"
      return
    case 57:
      draft.startUs = microsecondsOfNanos(wire, end)
      return
    case 65:
      draft.endUs = microsecondsOfNanos(wire, end) || undefined
      return
    case 74:
      readAttribute(wire, limit(wire, end), { attributes: draft.attributes, counter: draft })
      return
    case 90:
      readEvent(wire, limit(wire, end), draft)
      return
    case 106:
      readLink(wire, limit(wire, end), draft)
      return
    case 122:
      readStatus(wire, limit(wire, end), draft)
      return
    default:
      skip(wire, tag, end)
  }
}

function idOf(wire: Wire, end: number, bytes: 8 | 16): string {
  const id = hex(wire, end, bytes)
  if (id !== "" && id.length !== bytes * 2) throw malformed("holds an id of an odd length", wire.at)
  return id
}

/** Event: time 1, name 2, attributes 3. */
function readEvent(wire: Wire, end: number, draft: SpanDraft): void {
  let timeUs = 0
  let name = ""
  const attributes = new Map<string, AttributeValue>()
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 9) timeUs = microsecondsOfNanos(wire, end)
    else if (tag === 18) name = text(wire, end)
    else if (tag === 26) readAttribute(wire, limit(wire, end), { attributes, counter: draft })
    else skip(wire, tag, end)
  }
  putEvent(draft, { timeUs, name, attributes })
}

/** Link: trace_id 1, span_id 2, attributes 4. */
function readLink(wire: Wire, end: number, draft: SpanDraft): void {
  let traceId = ""
  let id = ""
  const attributes = new Map<string, AttributeValue>()
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 10) traceId = idOf(wire, end, 16)
    else if (tag === 18) id = idOf(wire, end, 8)
    else if (tag === 34) readAttribute(wire, limit(wire, end), { attributes, counter: draft })
    else skip(wire, tag, end)
  }
  putLink(draft, { traceId, id, attributes })
}

/** Status: message 2, code 3. */
function readStatus(wire: Wire, end: number, draft: SpanDraft): void {
  let message = ""
  let code = 0
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 18) message = text(wire, end)
    else if (tag === 24) code = varint(wire, end)
    else skip(wire, tag, end)
  }
  takeStatus(draft, code, message)
}
