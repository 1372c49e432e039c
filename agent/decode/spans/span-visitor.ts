import type { Span } from "#mesh/span.ts"

/** Told of each span of a body, in its order. */
export interface SpanVisitor {
  span(span: Span): void
  /** Spans that cannot be taken; `reason` is a word of ours. Each span of a body is told once, here or in `span`. */
  refused(reason: SpanRefusal, spans: number): void
  /** Attributes, events and links that were cut off from spans which are passed on. */
  cut(parts: number): void
}

/**
 * `invalid`: a field of the wrong kind, a number out of range, bytes that end too early. `no_trace_id`, `no_id`: absent,
 * zero or of a wrong length. `bad_time`: does not say when it began, or what no clock can say.
 */
export type SpanRefusal = "invalid" | "no_trace_id" | "no_id" | "bad_time"
