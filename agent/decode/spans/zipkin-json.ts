import { MeshscopeError } from "#mesh/errors.ts"
import { isObject, type JsonObject } from "#mesh/json-object.ts"
import { malformed } from "../protobuf-wire.ts"
import { makeDraft, putAttribute, putEvent } from "./span-draft.ts"
import type { SpanVisitor } from "./span-visitor.ts"
import { boundedJson, listOf, numberOf, objectOf, textOf } from "./strict-json.ts"
import { finishZipkinSpan, takeLocal, takeRemote, ZIPKIN_KINDS, type ZipkinEndpoint } from "./zipkin-span.ts"

/**
 * Reads Zipkin's JSON, version 2: a list of spans (zipkin.io/zipkin-api/#/default/post_spans). A span that is no good is
 * told as refused, and the rest is read.
 * @throws MeshscopeError INTAKE_MALFORMED, INTAKE_TOO_LARGE when the body is no such list; then nothing was told
 */
export function readZipkinJson(body: Uint8Array, visitor: SpanVisitor): void {
  const spans = boundedJson(body)
  if (!Array.isArray(spans)) throw malformed("is not a list of spans")
  for (const span of spans) readOne(span, visitor)
}

function readOne(value: unknown, visitor: SpanVisitor): void {
  try {
    if (!isObject(value)) throw malformed("holds a span that is not an object")
    readSpan(value, visitor)
  } catch (error) {
    if (!(error instanceof MeshscopeError)) throw error
    visitor.refused("invalid", 1)
  }
}

function readSpan(json: JsonObject, visitor: SpanVisitor): void {
  const draft = makeDraft()
  const kind = ZIPKIN_KINDS.get(textOf(json, "kind"))
  if (kind === undefined) throw malformed("holds a span of an unknown kind")
  draft.kind = kind
  draft.traceId = idOf(json, "traceId", 32)
  draft.id = idOf(json, "id", 16)
  draft.parentId = idOf(json, "parentId", 16)
  draft.name = textOf(json, "name")
  draft.startUs = numberOf(json, "timestamp")
  for (const [key, value] of Object.entries(objectOf(json, "tags") ?? {}))
    putAttribute(draft.attributes, key.toWellFormed(), tagOf(value), draft)
  takeLocal(draft, endpointOf(json, "localEndpoint"))
  takeRemote(draft, endpointOf(json, "remoteEndpoint"))
  for (const annotation of listOf(json, "annotations")) {
    if (!isObject(annotation)) throw malformed("holds an annotation that is not an object")
    const name = textOf(annotation, "value")
    putEvent(draft, { timeUs: numberOf(annotation, "timestamp"), name, attributes: new Map() })
  }
  const shared = json["shared"] === true
  finishZipkinSpan({ draft, durationUs: numberOf(json, "duration"), shared }, visitor)
}

/** Ids are written without leading zeros by some: short ones are filled up on the left. */
function idOf(json: JsonObject, member: string, digits: 16 | 32): string {
  const text = textOf(json, member)
  if (text === "") return ""
  if (text.length > digits || !/^[0-9a-f]+$/i.test(text)) throw malformed(`holds a ${member} that is no id`)
  return text.toLowerCase().padStart(digits, "0")
}

/** The format has texts only; some senders write numbers and truth values, which mean their text. */
function tagOf(value: unknown): string {
  if (typeof value === "string") return value.toWellFormed()
  if (typeof value === "number" || typeof value === "boolean") return String(value)
  throw malformed("holds a tag that is not a text")
}

function endpointOf(json: JsonObject, member: string): ZipkinEndpoint {
  const endpoint = objectOf(json, member)
  if (endpoint === undefined) return { service: "", ip: "", port: 0 }
  return {
    service: textOf(endpoint, "serviceName"),
    ip: textOf(endpoint, "ipv4") || textOf(endpoint, "ipv6"),
    port: numberOf(endpoint, "port"),
  }
}
