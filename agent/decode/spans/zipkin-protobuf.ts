import { MeshscopeError } from "#mesh/errors.ts"
import { fixed64, hex, limit, malformed, skip, text, varint, type Wire, wireOf } from "../protobuf-wire.ts"
import { makeDraft, putAttribute, putEvent, type SpanDraft } from "./span-draft.ts"
import type { SpanVisitor } from "./span-visitor.ts"
import {
  finishZipkinSpan,
  takeLocal,
  takeRemote,
  ZIPKIN_KINDS,
  type ZipkinEndpoint,
  type ZipkinSpan,
} from "./zipkin-span.ts"

/**
 * Reads `zipkin.proto3.ListOfSpans` (github.com/openzipkin/zipkin-api, zipkin.proto): spans = 1. A span that is no good is
 * told as refused, and the rest is read.
 * @throws MeshscopeError INTAKE_MALFORMED where the list itself breaks off; what was told before stays told
 */
export function readZipkinProtobuf(body: Uint8Array, visitor: SpanVisitor): void {
  const wire = wireOf(body)
  const end = body.length
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag !== 10) {
      skip(wire, tag, end)
      continue
    }
    const stop = limit(wire, end)
    try {
      finishZipkinSpan(readSpan(wire, stop), visitor)
    } catch (error) {
      if (!(error instanceof MeshscopeError)) throw error
      visitor.refused("invalid", 1)
    }
    wire.at = stop
  }
}

/** Span: trace_id 1, parent_id 2, id 3, kind 4, name 5, timestamp 6, duration 7, endpoints 8 and 9, annotations 10, tags 11, shared 13. */
function readSpan(wire: Wire, end: number): ZipkinSpan {
  const draft = makeDraft()
  const read: ZipkinSpan = { draft, durationUs: 0, shared: false }
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 10) draft.traceId = idOf(wire, end, 32)
    else if (tag === 18) draft.parentId = idOf(wire, end, 16)
    else if (tag === 26) draft.id = idOf(wire, end, 16)
    else if (tag === 32) draft.kind = kindOf(varint(wire, end))
    else if (tag === 42) draft.name = text(wire, end)
    else if (tag === 49) draft.startUs = fixed64(wire, end)
    else if (tag === 56) read.durationUs = varint(wire, end)
    else if (tag === 66) takeLocal(draft, readEndpoint(wire, limit(wire, end)))
    else if (tag === 74) takeRemote(draft, readEndpoint(wire, limit(wire, end)))
    else if (tag === 82) readAnnotation(wire, limit(wire, end), draft)
    else if (tag === 90) readTag(wire, limit(wire, end), draft)
    else if (tag === 104) read.shared = varint(wire, end) !== 0
    else skip(wire, tag, end)
  }
  return read
}

function kindOf(number: number): SpanDraft["kind"] {
  const kind = ZIPKIN_KINDS.get(number)
  if (kind === undefined) throw malformed("holds a span of an unknown kind")
  return kind
}

/** Trace ids have 8 or 16 bytes, others 8. */
function idOf(wire: Wire, end: number, digits: 16 | 32): string {
  const id = hex(wire, end, digits / 2)
  if (id === "") return ""
  if (id.length !== 16 && id.length !== digits) throw malformed("holds an id of an odd length", wire.at)
  return id.padStart(digits, "0")
}

/** Endpoint: service_name 1, ipv4 2, ipv6 3, port 4. */
function readEndpoint(wire: Wire, end: number): ZipkinEndpoint {
  const endpoint: ZipkinEndpoint = { service: "", ip: "", port: 0 }
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 10) endpoint.service = text(wire, end)
    else if (tag === 18) endpoint.ip = addressOf(hex(wire, end, 16)) || endpoint.ip
    else if (tag === 26) endpoint.ip ||= addressOf(hex(wire, end, 16))
    else if (tag === 32) endpoint.port = Math.min(65_535, varint(wire, end))
    else skip(wire, tag, end)
  }
  return endpoint
}

/** Text of an address of 4 or 16 bytes; others are no address. */
function addressOf(digits: string): string {
  if (digits.length === 8) return digits.replace(/../g, (pair) => `.${Number.parseInt(pair, 16)}`).slice(1)
  if (digits.length !== 32) return ""
  return digits.replace(/.{4}/g, (group) => `:${Number.parseInt(group, 16).toString(16)}`).slice(1)
}

/** Annotation: timestamp 1, value 2. */
function readAnnotation(wire: Wire, end: number, draft: SpanDraft): void {
  let timeUs = 0
  let name = ""
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 9) timeUs = fixed64(wire, end)
    else if (tag === 18) name = text(wire, end)
    else skip(wire, tag, end)
  }
  putEvent(draft, { timeUs, name, attributes: new Map() })
}

/** An entry of `map<string, string>`: key 1, value 2. */
function readTag(wire: Wire, end: number, draft: SpanDraft): void {
  let key = ""
  let value = ""
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 10) key = text(wire, end)
    else if (tag === 18) value = text(wire, end)
    else skip(wire, tag, end)
  }
  putAttribute(draft.attributes, key, value, draft)
}
