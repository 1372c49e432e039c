import { MeshscopeError } from "#mesh/errors.ts"
import { isObject, type JsonObject } from "#mesh/json-object.ts"
import type { AttributeValue } from "#mesh/span.ts"
import { malformed } from "../protobuf-wire.ts"
import {
  finishOtlpSpan,
  OTLP_KINDS,
  type OtlpOrigin,
  type OtlpScope,
  originOf,
  STATUS_ERROR,
  takeScope,
  takeStatus,
} from "./otlp-span.ts"
import { putJsonAttribute } from "./otlp-value.ts"
import { makeDraft, putEvent, putLink, type SpanDraft } from "./span-draft.ts"
import type { SpanVisitor } from "./span-visitor.ts"
import { boundedJson, listOf, numberOf, objectOf, textOf } from "./strict-json.ts"

/**
 * Reads OTLP's JSON: protobuf's mapping with ids in hexadecimal digits and enumerations as numbers
 * (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding"); their names are understood as well. A span that is no
 * good is told as refused, and the rest is read.
 * @throws MeshscopeError INTAKE_MALFORMED, INTAKE_TOO_LARGE where the request is no such body outside of a span
 */
export function readOtlpJson(body: Uint8Array, visitor: SpanVisitor): void {
  const request = boundedJson(body)
  if (!isObject(request)) throw malformed("is not an object")
  for (const resourceSpans of objects(request, "resourceSpans")) readResourceSpans(resourceSpans, visitor)
}

function readResourceSpans(json: JsonObject, visitor: SpanVisitor): void {
  const attributes = new Map<string, AttributeValue>()
  const counter = { cut: 0 }
  const resource = objectOf(json, "resource")
  if (resource !== undefined)
    for (const one of listOf(resource, "attributes")) putJsonAttribute(one, { attributes, counter })
  if (counter.cut > 0) visitor.cut(counter.cut)
  const origin = originOf(attributes)
  for (const scopeSpans of objects(json, "scopeSpans")) {
    const scope = objectOf(scopeSpans, "scope") ?? {}
    const named = { name: textOf(scope, "name"), version: textOf(scope, "version") }
    for (const span of listOf(scopeSpans, "spans")) readOne(span, origin, named, visitor)
  }
}

function readOne(value: unknown, origin: OtlpOrigin, scope: OtlpScope, visitor: SpanVisitor): void {
  try {
    if (!isObject(value)) throw malformed("holds a span that is not an object")
    const draft = makeDraft()
    readSpan(value, draft)
    takeScope(draft, scope)
    finishOtlpSpan(draft, origin, visitor)
  } catch (error) {
    if (!(error instanceof MeshscopeError)) throw error
    visitor.refused("invalid", 1)
  }
}

function readSpan(json: JsonObject, draft: SpanDraft): void {
  draft.traceId = idOf(json, "traceId", 32)
  draft.id = idOf(json, "spanId", 16)
  draft.parentId = idOf(json, "parentSpanId", 16)
  draft.traceState = textOf(json, "traceState")
  draft.name = textOf(json, "name")
  draft.kind = OTLP_KINDS.get(json["kind"] ?? 0) ?? "internal"
  draft.startUs = microsecondsOf(json, "startTimeUnixNano")
  draft.endUs = microsecondsOf(json, "endTimeUnixNano") || undefined
  const into = { attributes: draft.attributes, counter: draft }
  for (const attribute of listOf(json, "attributes")) putJsonAttribute(attribute, into)
  for (const event of objects(json, "events")) {
    const timeUs = microsecondsOf(event, "timeUnixNano")
    putEvent(draft, { timeUs, name: textOf(event, "name"), attributes: attributesOf(event, draft) })
  }
  for (const link of objects(json, "links")) {
    const traceId = idOf(link, "traceId", 32)
    putLink(draft, { traceId, id: idOf(link, "spanId", 16), attributes: attributesOf(link, draft) })
  }
  const status = objectOf(json, "status")
  if (status !== undefined) {
    const code = status["code"] === "STATUS_CODE_ERROR" ? STATUS_ERROR : Number(status["code"] ?? 0)
    takeStatus(draft, code, textOf(status, "message"))
  }
}

function attributesOf(holder: JsonObject, counter: SpanDraft): Map<string, AttributeValue> {
  const attributes = new Map<string, AttributeValue>()
  for (const attribute of listOf(holder, "attributes")) putJsonAttribute(attribute, { attributes, counter })
  return attributes
}

function objects(holder: JsonObject, member: string): readonly JsonObject[] {
  return listOf(holder, member).map((entry) => {
    if (isObject(entry)) return entry
    throw malformed(`holds an entry of ${member} that is not an object`)
  })
}

function idOf(json: JsonObject, member: string, digits: 16 | 32): string {
  const text = textOf(json, member)
  if (text === "") return ""
  if (text.length !== digits || !/^[0-9a-f]+$/i.test(text)) throw malformed(`holds a ${member} that is no id`)
  return text.toLowerCase()
}

/** Nanoseconds as a text, as the format asks for, lose nothing; as a number they are about right. */
function microsecondsOf(json: JsonObject, member: string): number {
  const value = json[member]
  if (typeof value === "string" && /^\d{4,20}$/.test(value)) return Number(value.slice(0, -3))
  return Math.floor(numberOf(json, member) / 1000)
}
