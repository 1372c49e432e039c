import { isObject, type JsonObject } from "#mesh/json-object.ts"
import { type Draft, objectOf, present } from "./json-draft.ts"

/**
 * Largest document, bytes. The service says 64 KB and not which (…/xray-api-segmentdocuments.html); the smaller one is
 * taken, because what is too long is divided without loss where it has subsegments.
 */
export const MAX_DOCUMENT_BYTES = 64_000

export type FitFault = "too_large" | "no_id"

const SUBSEGMENTS_BYTES = Buffer.byteLength(',"subsegments":[]')

/** What a document is divided into; `refused` are those parts that can never be sent. */
export interface Fitted {
  readonly documents: readonly Buffer[]
  readonly refused: readonly FitFault[]
}

/**
 * A document as bytes that X-Ray takes. Of one that is too long, subsegments become documents of their own; if it still
 * is, first its metadata is left out, then its annotations, with a mark under `metadata.meshscope`.
 * @param traceId X-Ray's form, for subsegments that have none of their own
 */
export function fitted(document: JsonObject, traceId: string): Fitted {
  const whole = bytesOf(document)
  if (whole.length <= MAX_DOCUMENT_BYTES) return { documents: [whole], refused: [] }
  const documents: Buffer[] = []
  const refused: FitFault[] = []
  const waiting: JsonObject[] = [document]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const bytes = next === document ? whole : bytesOf(next)
    if (bytes.length <= MAX_DOCUMENT_BYTES) {
      documents.push(bytes)
      continue
    }
    const { own, apart, withoutId } = divided(next, traceId)
    waiting.push(...apart)
    for (let count = 0; count < withoutId; count++) refused.push("no_id")
    const rest = cutDown(own)
    if (rest === undefined) refused.push("too_large")
    else documents.push(rest)
  }
  return { documents, refused }
}

const bytesOf = (document: JsonObject): Buffer => Buffer.from(JSON.stringify(document))

/** A document with as many of its subsegments as there is room for, and the others so that they can stand alone. */
function divided(document: JsonObject, traceId: string) {
  const { subsegments, ...own } = document
  const parentId = own["id"]
  let room = MAX_DOCUMENT_BYTES - bytesOf(own).length - SUBSEGMENTS_BYTES
  let withoutId = 0
  const kept: unknown[] = []
  const apart: JsonObject[] = []
  for (const child of Array.isArray(subsegments) ? (subsegments as readonly unknown[]) : []) {
    const bytes = Buffer.byteLength(JSON.stringify(child)) + 1
    if (bytes <= room) {
      kept.push(child)
      room -= bytes
    } else if (isObject(child) && typeof child["id"] === "string")
      apart.push({ ...child, type: "subsegment", trace_id: traceId, parent_id: parentId })
    else withoutId++
  }
  return { own: kept.length === 0 ? own : { ...own, subsegments: kept }, apart, withoutId }
}

function cutDown(document: JsonObject): Buffer | undefined {
  const { metadata: _, ...bare } = document
  const { annotations: __, ...barest } = bare
  const tries: readonly JsonObject[] = [
    document,
    { ...bare, ...marked("metadata") },
    {
      ...barest,
      ...present({ annotations: meshAnnotations(document) }),
      ...marked("metadata", "annotations"),
    },
  ]
  return tries.map(bytesOf).find((bytes) => bytes.length <= MAX_DOCUMENT_BYTES)
}

function marked(...cut: readonly string[]): Draft {
  return { metadata: { meshscope: { cut } } }
}

/** Those of a few bytes by which a trace is searched for. */
const KEPT = [
  "mesh",
  "virtual_node",
  "virtual_gateway",
  "virtual_service",
  "route",
  "response_flags",
] as const

function meshAnnotations(document: JsonObject): Draft | undefined {
  const annotations = objectOf(document, "annotations")
  return present(Object.fromEntries(KEPT.map((key) => [key, annotations[key]])))
}
