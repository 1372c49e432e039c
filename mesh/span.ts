import type { Flavor } from "./resource.ts"

/**
 * One span, whatever form it came in (X-Ray segment or subsegment, Zipkin v2, OTLP, or made from a log line), and whatever
 * form it leaves in. Immutable once it is handed on.
 */
export interface Span {
  /** 32 lower-case hexadecimal digits, not all zero. X-Ray's `1-<8>-<24>` is the same without the prefix and dashes. */
  readonly traceId: string
  /** 16 lower-case hexadecimal digits, not all zero. */
  readonly id: string
  /** As `id`; empty: a root, as far as the sender knows. */
  readonly parentId: string
  /** What was done: Zipkin's and OTLP's span name; empty where the form has none (X-Ray). */
  readonly name: string
  readonly kind: SpanKind
  /** Microseconds since the epoch. An unfinished span (X-Ray's `in_progress`) has no end. */
  readonly startUs: number
  readonly endUs: number | undefined
  /** Who did it, as the sender calls itself: segment name, `localEndpoint.serviceName`, `service.name`. */
  readonly service: string
  /** Whom it called, as the sender calls it; empty where it does not say. */
  readonly remote: string
  readonly http: SpanHttp
  readonly status: SpanStatus
  /** What else the sender told, by its own names; without what the fields above hold. At most `MAX_ATTRIBUTES`. */
  readonly attributes: ReadonlyMap<string, AttributeValue>
  /** The sender's process by OpenTelemetry's names (`resource` in OTLP); without `service.name`. */
  readonly resource: ReadonlyMap<string, AttributeValue>
  /** What happened within it, in the sender's order; at most `MAX_EVENTS`. Absent: nothing was told. */
  readonly events?: readonly SpanEvent[]
  /** Other spans that it belongs to besides its parent; at most `MAX_LINKS`. */
  readonly links?: readonly SpanLink[]
  /** W3C `tracestate` as it was received. */
  readonly traceState?: string
  /** Which proxy made it and what it stands for; undefined for spans of applications, and before they are resolved. */
  readonly proxy: SpanProxy | undefined
  /** An X-Ray document as it was received, parsed: what is written for X-Ray starts from it. Never changed in place. */
  readonly document: Readonly<Record<string, unknown>> | undefined
  /** An X-Ray subsegment that travels inside the document of a span above it: X-Ray's output passes it over. */
  readonly carried?: true
}

export const SPAN_KINDS = ["internal", "server", "client", "producer", "consumer"] as const
export type SpanKind = (typeof SPAN_KINDS)[number]
export type AttributeValue = string | number | boolean

/** Most attributes of one span (and of its resource); the rest is cut off and counted. */
export const MAX_ATTRIBUTES = 128

/** A moment within a span: an OTLP event, or a Zipkin annotation, whose value is the name. */
export interface SpanEvent {
  readonly timeUs: number
  readonly name: string
  readonly attributes: ReadonlyMap<string, AttributeValue>
}
/** Ids as in `Span`. */
export interface SpanLink {
  readonly traceId: string
  readonly id: string
  readonly attributes: ReadonlyMap<string, AttributeValue>
}
/** Most events and links of one span; the rest is cut off and counted. */
export const MAX_EVENTS = 128
export const MAX_LINKS = 128

/** Absent: the sender did not say. */
export interface SpanHttp {
  readonly method?: string
  /** Whole URL, or the path where no more is known. */
  readonly url?: string
  /** 0: none was sent. */
  readonly status?: number
  readonly userAgent?: string
  readonly clientIp?: string
  /** `clientIp` is what `x-forwarded-for` claims. */
  readonly forwarded?: boolean
  readonly requestBytes?: number
  readonly responseBytes?: number
}

/**
 * X-Ray's three words (docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html): `error` is the caller's
 * fault (4xx), `throttle` a 429, `fault` the server's (5xx, or no answer).
 */
export interface SpanStatus {
  readonly error: boolean
  readonly throttle: boolean
  readonly fault: boolean
}
export const STATUS_OK: SpanStatus = { error: false, throttle: false, fault: false }

/** The names of the mesh that a span of a proxy stands for. Empty texts: not known. */
export interface SpanProxy {
  readonly mesh: string
  readonly flavor: Flavor
  readonly role: "sidecar" | "gateway"
  /** Name of the virtual node or virtual gateway. */
  readonly resource: string
  /** `ingress`: the proxy received the request; `egress`: it sent it. */
  readonly direction: "ingress" | "egress" | "unknown"
  /** Envoy's name of the cluster that the request went to. */
  readonly cluster: string
  /** The virtual node that the request went to. */
  readonly target: string
  readonly virtualService: string
  readonly route: string
  /** Envoy's response flags as it wrote them, e.g. `UF,URX`; `-` or empty for none. */
  readonly flags: string
}
