/**
 * One request (or TCP connection) as one access-log line tells it.
 *
 * A view: `bytes` and everything in `spans` belong to the decoder and are overwritten by its next line. Whoever wants
 * to keep a value copies it. Numbers are already parsed; texts are byte ranges, decoded only where somebody looks.
 */
export interface AccessFact {
  /** The line's bytes, or a scratch copy with JSON escapes undone. `spans` point into it. */
  bytes: Buffer
  /** `[start, end)` pairs, one per `Field`, then one per entry of the format's `headers`. start = -1: not in the line or empty (`-`, null). */
  readonly spans: Int32Array
  kind: "http" | "tcp"
  /** HTTP status; 0 when none was sent. -1: the format has no such field. */
  code: number
  /** Bit set, see `flags.ts`. -1: the format has no such field. */
  flags: number
  /** gRPC status number; -1 when the line tells none. */
  grpcStatus: number
  /** Whole milliseconds; -1 when unknown. */
  durationMs: number
  /** What the upstream took by `x-envoy-upstream-service-time`, ms; -1 when unknown. */
  upstreamMs: number
  /** Bytes of the body, from the caller and to the caller; -1 when unknown. */
  bytesReceived: number
  bytesSent: number
  /** Upstream attempts including retries; -1 when unknown, 0 when the upstream part was never reached. */
  attempts: number
  /** The line could be read in more than one way (a caller's bytes may have moved a field); `spans` hold the reading that cannot be forged as far as there is one. */
  doubtful: boolean
}

/** Index of a text field in `AccessFact.spans` (times two). */
export const Field = {
  startTime: 0,
  method: 1,
  /** `:path` as forwarded, after a rewrite. */
  path: 2,
  /** `x-envoy-original-path`: what the caller sent, when a rewrite took place (or what a caller claims). */
  originalPath: 3,
  /** `%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%`: either of the two above, the line does not tell which. */
  eitherPath: 4,
  authority: 5,
  protocol: 6,
  details: 7,
  flags: 8,
  upstreamCluster: 9,
  upstreamHost: 10,
  routeName: 11,
  userAgent: 12,
  requestId: 13,
  /** `x-amzn-trace-id`, `traceparent` or Envoy's `%TRACE_ID%`, in that order of preference. */
  traceId: 14,
  downstreamLocal: 15,
  downstreamRemote: 16,
  listener: 17,
  termination: 18,
  contentType: 19,
} as const
export const FIELD_COUNT = 20
export type FieldName = keyof typeof Field

/** Makes an empty fact with room for `headerCount` request headers that the format logs beside the known fields. */
export function makeAccessFact(headerCount = 0): AccessFact {
  return {
    bytes: Buffer.alloc(0),
    spans: new Int32Array((FIELD_COUNT + headerCount) * 2).fill(-1),
    kind: "http",
    code: -1,
    flags: -1,
    grpcStatus: -1,
    durationMs: -1,
    upstreamMs: -1,
    bytesReceived: -1,
    bytesSent: -1,
    attempts: -1,
    doubtful: false,
  }
}

/** The text of a field, or undefined when the line does not hold it. Invalid UTF-8 becomes U+FFFD. */
export function fieldText(fact: AccessFact, field: number): string | undefined {
  const start = fact.spans[field * 2] ?? -1
  return start < 0 ? undefined : fact.bytes.toString("utf8", start, fact.spans[field * 2 + 1])
}

/** What a compiled access-log format can tell; decides what a target's state says is missing. */
export interface FormatAbilities {
  /** Fields present in the format. */
  readonly fields: readonly FieldName[]
  /** Lower-case names of further request headers it logs, in the order of their spans. */
  readonly headers: readonly string[]
  readonly grpcStatus: boolean
  readonly attempts: boolean
  readonly durations: boolean
  /** A caller's bytes can move fields (text without escaping). */
  readonly forgeable: boolean
}
