import type { AttributeValue, SpanKind } from "#mesh/span.ts"
import { isZero, putAttribute, type SpanDraft, spanOf } from "./span-draft.ts"
import type { SpanVisitor } from "./span-visitor.ts"

/** What Zipkin's two forms have in common: a draft, and what has to be judged when all fields are read. */
export interface ZipkinSpan {
  readonly draft: SpanDraft
  /** Microseconds; 0: not told. */
  durationUs: number
  /** The span's id is its caller's: B3 propagation lets both halves of a call have one id. */
  shared: boolean
}

export interface ZipkinEndpoint {
  service: string
  /** Text of the address; empty: not told. */
  ip: string
  /** 0: not told. */
  port: number
}

/** Other values are refused. Absent: local work. */
export const ZIPKIN_KINDS: ReadonlyMap<unknown, SpanKind> = new Map<unknown, SpanKind>([
  ["", "internal"],
  ["SPAN_KIND_UNSPECIFIED", "internal"],
  ["CLIENT", "client"],
  ["SERVER", "server"],
  ["PRODUCER", "producer"],
  ["CONSUMER", "consumer"],
  // zipkin.proto, Span.Kind
  [0, "internal"],
  [1, "client"],
  [2, "server"],
  [3, "producer"],
  [4, "consumer"],
])

const NO_RESOURCE: ReadonlyMap<string, AttributeValue> = new Map()

/** Addresses keep the names that OpenTelemetry's own translation gives them. */
export function takeLocal(draft: SpanDraft, { service, ip, port }: ZipkinEndpoint): void {
  draft.service = service
  if (ip !== "") putAttribute(draft.attributes, "net.host.ip", ip, draft)
  if (port > 0) putAttribute(draft.attributes, "net.host.port", port, draft)
}

export function takeRemote(draft: SpanDraft, { service, ip, port }: ZipkinEndpoint): void {
  draft.remote = service
  if (ip !== "") putAttribute(draft.attributes, "net.peer.ip", ip, draft)
  if (port > 0) putAttribute(draft.attributes, "net.peer.port", port, draft)
}

/**
 * Judges what was read and tells the visitor.
 *
 * A server span that shares its caller's id gets an id of its own, with the shared one as its parent, because everywhere
 * but in Zipkin an id is one span's. The new id is made from the shared one, the service and the start, so that the same
 * span sent twice stays one. Children of the call name the shared id, so they stay children of the client's half.
 */
export function finishZipkinSpan(read: ZipkinSpan, visitor: SpanVisitor): void {
  const { draft } = read
  if (draft.startUs === 0) draft.startUs = firstMoment(draft)
  if (read.durationUs > 0) draft.endUs = draft.startUs + read.durationUs
  takeError(draft)
  if (read.shared && draft.kind === "server" && !isZero(draft.id)) {
    draft.parentId = draft.id
    draft.id = serverHalf(draft.id, `${draft.service}\n${draft.startUs}`)
  }
  const span = spanOf(draft, NO_RESOURCE)
  if (typeof span === "string") visitor.refused(span, 1)
  else {
    if (draft.cut > 0) visitor.cut(draft.cut)
    visitor.span(span)
  }
}

/** A span without a timestamp may have annotations: `sr` when the server received it. 0: none. */
function firstMoment({ events }: SpanDraft): number {
  return events.reduce((first, { timeUs }) => (first === 0 ? timeUs : Math.min(first, timeUs)), 0)
}

/** The tag `error` says that something went wrong, whatever its text; Envoy writes `true`. */
function takeError(draft: SpanDraft): void {
  const error = draft.attributes.get("error")
  if (error === undefined) return
  draft.attributes.delete("error")
  if (error === "false") return
  draft.failed = true
  if (error !== "true" && error !== "") draft.attributes.set("otel.status_description", error)
}

/** Two FNV-1a hashes of 32 bits, laid over the shared id. */
function serverHalf(shared: string, what: string): string {
  let high = 0x811c9dc5
  let low = 0x01000193
  for (let at = 0; at < what.length; at++) {
    const unit = what.charCodeAt(at)
    high = Math.imul(high ^ unit, 0x01000193)
    low = Math.imul(low ^ unit, 0x01000193)
  }
  high ^= Number.parseInt(shared.slice(0, 8), 16)
  low ^= Number.parseInt(shared.slice(8), 16)
  // Neither zero nor the shared id itself.
  const id = hex32(high) + hex32(low)
  return isZero(id) || id === shared ? hex32(~high) + hex32(low) : id
}

const hex32 = (value: number): string => (value >>> 0).toString(16).padStart(8, "0")
