import { isObject, type JsonObject } from "#mesh/json-object.ts"
import type { Span } from "#mesh/span.ts"
import { jsonExcess } from "./json-bounds.ts"
import { type DocumentFault, spanOf } from "./xray-span.ts"

/** Why a document was refused whole. */
export type XrayDocumentDrop = DocumentFault | "bad_json" | "too_deep" | "too_large"

export interface XrayDecoderCounters {
  readonly documents: number
  /** Handed on, nested subsegments among them. */
  readonly spans: number
  readonly dropped: Readonly<Record<XrayDocumentDrop, number>>
  /**
   * Subsegments that are not spans by themselves: no id, no time, too many. Nested ones their document carries still; of a
   * list they are lost.
   */
  readonly unread: number
  /** Attributes above the limit of a span. */
  readonly cutAttributes: number
}

export interface XrayDecoder {
  /**
   * Reads one document and hands on its spans, the document's own first, then those nested in it, marked `carried`. A list
   * of subsegments, which X-Ray's API takes as one document too, is read as if each had come by itself.
   * `bytes` may be reused afterwards. Never throws.
   * @returns why nothing was handed on
   */
  decode(bytes: Buffer, span: (span: Span) => void): XrayDocumentDrop | undefined
  counters(): XrayDecoderCounters
}

/** A datagram holds no more; for documents that come another way. */
const MAX_BYTES = 256 * 1024
/** Most nested subsegments that become spans. A document of 64 KB has room for some hundreds. */
const MAX_NESTED = 1000

/**
 * Reads X-Ray segment documents as the daemon takes them: fields that are not known pass in `document`, and fields of the
 * wrong type are as if they were not there. Ids, name and start are required, as X-Ray itself refuses documents without
 * (docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html). The time within a trace id is not looked at:
 * ids of W3C tracers have none, and X-Ray says by itself what it refuses.
 */
export function makeXrayDecoder(): XrayDecoder {
  const dropped = {
    bad_json: 0,
    too_deep: 0,
    too_large: 0,
    no_name: 0,
    no_id: 0,
    no_trace_id: 0,
    bad_time: 0,
  }
  const totals = { documents: 0, spans: 0, unread: 0, cutAttributes: 0 }
  const cut = (attributes: number): void => {
    totals.cutAttributes += attributes
  }
  const read = (bytes: Buffer, emit: (span: Span) => void): XrayDocumentDrop | undefined => {
    if (bytes.length > MAX_BYTES) return "too_large"
    // Never too many values: a document of `MAX_BYTES` has no room for them.
    if (jsonExcess(bytes) !== undefined) return "too_deep"
    const document = parsed(bytes)
    if (!Array.isArray(document)) return one(document, emit)
    const drops = document.slice(0, MAX_NESTED).map((part: unknown) => one(part, emit))
    const refused = drops.filter((drop) => drop !== undefined)
    if (refused.length === drops.length) return refused[0] ?? "bad_json"
    totals.unread += refused.length + document.length - drops.length
    return undefined
  }
  const one = (document: unknown, emit: (span: Span) => void): XrayDocumentDrop | undefined => {
    if (!isObject(document)) return "bad_json"
    const span = spanOf(document, undefined, cut)
    if (typeof span === "string") return span
    emit(span)
    totals.spans++
    if (Array.isArray(document["subsegments"])) nested(document, span, emit)
    return undefined
  }
  const nested = (document: JsonObject, root: Span, emit: (span: Span) => void): void => {
    const waiting: { readonly child: unknown; readonly parentId: string }[] = []
    const push = (parent: JsonObject, parentId: string): void => {
      const children = parent["subsegments"]
      if (Array.isArray(children)) for (const child of children) waiting.push({ child, parentId })
    }
    push(document, root.id)
    const { traceId, service, resource } = root
    for (let at = 0; at < waiting.length; at++) {
      const { child, parentId } = waiting[at] ?? { child: undefined, parentId: "" }
      const around = { traceId, parentId, service, resource }
      const span = at < MAX_NESTED && isObject(child) ? spanOf(child, around, cut) : "no_id"
      if (typeof span === "string" || !isObject(child)) {
        totals.unread++
        continue
      }
      emit(span)
      totals.spans++
      push(child, span.id)
    }
  }
  return {
    decode(bytes, emit) {
      totals.documents++
      const drop = read(bytes, emit)
      if (drop !== undefined) dropped[drop]++
      return drop
    },
    counters: () => ({ ...totals, dropped: { ...dropped } }),
  }
}

/** Undefined where it is no JSON. */
function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"))
  } catch {
    return undefined
  }
}
