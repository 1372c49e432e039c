import type { AttributeValue, SpanKind } from "#mesh/span.ts"
import { putAttribute, type SpanDraft, spanOf } from "./span-draft.ts"
import type { SpanVisitor } from "./span-visitor.ts"

/** What the spans of one ResourceSpans have in common. */
export interface OtlpOrigin {
  readonly service: string
  readonly resource: ReadonlyMap<string, AttributeValue>
}
/** InstrumentationScope: what wrote the spans. */
export interface OtlpScope {
  name: string
  version: string
}

/** SpanKind of trace.proto, by number and by name. Unspecified means internal, as the protocol says. */
export const OTLP_KINDS: ReadonlyMap<unknown, SpanKind> = new Map<unknown, SpanKind>(
  (["internal", "internal", "server", "client", "producer", "consumer"] as const).flatMap((kind, number) => [
    [number, kind],
    [number === 0 ? "SPAN_KIND_UNSPECIFIED" : `SPAN_KIND_${kind.toUpperCase()}`, kind],
  ]),
)

/** Whom the span called, by the newer name and the older one that most still write. */
const PEER = ["service.peer.name", "peer.service"]

/** StatusCode of trace.proto. */
export const STATUS_ERROR = 2

/** The scope has no field of its own: OpenTelemetry's names for where there is none. */
export function takeScope(draft: SpanDraft, { name, version }: OtlpScope): void {
  if (name !== "") putAttribute(draft.attributes, "otel.scope.name", name, draft)
  if (version !== "") putAttribute(draft.attributes, "otel.scope.version", version, draft)
}

export function takeStatus(draft: SpanDraft, code: number, message: string): void {
  draft.failed = code === STATUS_ERROR
  if (message !== "") putAttribute(draft.attributes, "otel.status_description", message, draft)
}

/** The sender's name, taken out of the attributes of its resource. */
export function originOf(attributes: Map<string, AttributeValue>): OtlpOrigin {
  const service = attributes.get("service.name")
  attributes.delete("service.name")
  return { service: typeof service === "string" ? service : "", resource: attributes }
}

/** Judges what was read and tells the visitor. */
export function finishOtlpSpan(draft: SpanDraft, origin: OtlpOrigin, visitor: SpanVisitor): void {
  draft.service = origin.service
  for (const name of PEER) {
    const peer = draft.attributes.get(name)
    if (typeof peer !== "string" || (draft.remote !== "" && draft.remote !== peer)) continue
    draft.remote = peer
    draft.attributes.delete(name)
  }
  const span = spanOf(draft, origin.resource)
  if (typeof span === "string") visitor.refused(span, 1)
  else {
    if (draft.cut > 0) visitor.cut(draft.cut)
    visitor.span(span)
  }
}
