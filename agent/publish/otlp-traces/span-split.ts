import type { QueueRecord, SinkRequest, Split } from "../contract.ts"
import { fieldBytes, putHead } from "../protobuf/wire.ts"

/** What a receiver takes in one request. Absent: no such limit. */
export interface SpanLimits {
  readonly maxSpans: number
  /** Of the request, not compressed. */
  readonly maxBytes: number
  readonly maxSpanBytes: number
  /** How far from now a span may begin. */
  readonly maxAgeMs?: number
  readonly maxAheadMs?: number
  /** Between the first and the last span of a request. */
  readonly maxSpreadMs?: number
}

/** Below what receivers take by default: Tempo 15 MB a trace, Jaeger and the Collector 4 MiB by gRPC and 20 MiB by HTTP. */
export const OTLP_SPAN_LIMITS: SpanLimits = {
  maxSpans: 4096,
  maxBytes: 3 * 1024 * 1024,
  maxSpanBytes: 1024 * 1024,
}

const DAY_MS = 86_400_000
/** docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html, "Traces endpoint". */
export const CLOUDWATCH_SPAN_LIMITS: SpanLimits = {
  maxSpans: 10_000,
  maxBytes: 5_000_000,
  maxSpanBytes: 200_000,
  maxAgeMs: 14 * DAY_MS,
  maxAheadMs: 2 * 3_600_000,
  maxSpreadMs: DAY_MS,
}

/** Tags and lengths around a resource's spans, and around one span, at most. */
const GROUP_BYTES = 24
const SPAN_BYTES = 6

interface Part {
  readonly record: number
  /** Resource and scope as they stand in the payload, one character a byte. */
  readonly origin: string
  /** Content of the fields, in the record's payload. */
  readonly resource: Uint8Array
  readonly scope: Uint8Array
  readonly span: Uint8Array
}

/**
 * Cuts spans, as `SpanEncoder` wrote them, into `ExportTraceServiceRequest`s, oldest first. Where a request may not reach
 * over more than some time, spans are told apart by whole stretches of it, so that times that go to and fro do not make
 * many small requests. Pure.
 */
export function splitSpans(
  records: readonly QueueRecord[],
  nowMs: number,
  limits: SpanLimits,
): Split<Uint8Array> {
  const requests: SinkRequest<Uint8Array>[] = []
  const refused = new Map<number, string>()
  const open = new Map<number, Filling>()
  const close = ({ records: indexes, groups }: Filling): void =>
    void requests.push({ records: indexes, body: bodyOf(groups) })
  for (const [index, { payload, timeMs }] of records.entries()) {
    const part = partOf(payload, index)
    const why = part === undefined ? "invalid" : refusalOf(part, timeMs, nowMs, limits)
    if (part === undefined || why !== undefined) {
      refused.set(index, why ?? "invalid")
      continue
    }
    const stretch = limits.maxSpreadMs === undefined ? 0 : Math.floor(timeMs / limits.maxSpreadMs)
    let filling = open.get(stretch)
    if (filling !== undefined && !fits(filling, part, limits)) {
      close(filling)
      filling = undefined
    }
    filling ??= { records: [], groups: new Map(), bytes: 0 }
    open.set(stretch, filling)
    add(filling, part)
  }
  for (const filling of open.values()) close(filling)
  return { requests, refused }
}

interface Filling {
  readonly records: number[]
  /** By resource and scope. */
  readonly groups: Map<string, Part[]>
  bytes: number
}

function refusalOf(part: Part, timeMs: number, nowMs: number, limits: SpanLimits): string | undefined {
  const { maxAgeMs = Infinity, maxAheadMs = Infinity } = limits
  const alone = part.span.length + SPAN_BYTES + part.resource.length + part.scope.length + GROUP_BYTES
  if (part.span.length > limits.maxSpanBytes || alone > limits.maxBytes) return "too_large"
  if (timeMs < nowMs - maxAgeMs) return "too_old"
  return timeMs > nowMs + maxAheadMs ? "too_new" : undefined
}

function fits(filling: Filling, part: Part, limits: SpanLimits): boolean {
  const bytes = filling.bytes + bytesIn(filling, part)
  return filling.records.length < limits.maxSpans && bytes <= limits.maxBytes
}

/** What the part adds, at most. */
function bytesIn({ groups }: Filling, part: Part): number {
  const span = part.span.length + SPAN_BYTES
  return groups.has(part.origin) ? span : span + part.resource.length + part.scope.length + GROUP_BYTES
}

function add(filling: Filling, part: Part): void {
  filling.bytes += bytesIn(filling, part)
  filling.records.push(part.record)
  const group = filling.groups.get(part.origin)
  if (group === undefined) filling.groups.set(part.origin, [part])
  else group.push(part)
}

/** resource_spans 1 { resource 1, scope_spans 2 { scope 1, spans 2 } } */
function bodyOf(groups: Filling["groups"]): Uint8Array {
  const sized = [...groups.values()].map((parts) => {
    const [first] = parts
    const scope = fieldBytes(first?.scope.length ?? 0)
    const scopeSpans = parts.reduce((sum, { span }) => sum + fieldBytes(span.length), scope)
    return {
      parts,
      first,
      scopeSpans,
      bytes: fieldBytes(first?.resource.length ?? 0) + fieldBytes(scopeSpans),
    }
  })
  const out = new Uint8Array(sized.reduce((sum, { bytes }) => sum + fieldBytes(bytes), 0))
  let end = 0
  const put = (tag: number, content: Uint8Array): void => {
    end = putHead(out, end, tag, content.length)
    out.set(content, end)
    end += content.length
  }
  for (const { parts, first, scopeSpans, bytes } of sized) {
    if (first === undefined) continue
    end = putHead(out, end, 0x0a, bytes)
    put(0x0a, first.resource)
    end = putHead(out, end, 0x12, scopeSpans)
    put(0x0a, first.scope)
    for (const { span } of parts) put(0x12, span)
  }
  return out
}

/** The three fields of a payload, in their order; undefined where it is something else. */
function partOf(payload: Uint8Array, record: number): Part | undefined {
  const resource = fieldAt(payload, 0, 0x0a)
  const scope = resource && fieldAt(payload, resource.end, 0x12)
  const span = scope && fieldAt(payload, scope.end, 0x1a)
  if (resource === undefined || scope === undefined || span?.end !== payload.length) return undefined
  const origin = Buffer.from(payload.buffer, payload.byteOffset, scope.end).toString("latin1")
  return { record, origin, resource: resource.content, scope: scope.content, span: span.content }
}

function fieldAt(
  payload: Uint8Array,
  start: number,
  tag: number,
): { readonly content: Uint8Array; readonly end: number } | undefined {
  if (payload[start] !== tag) return undefined
  let at = start + 1
  let length = 0
  for (let scale = 1; ; scale *= 128) {
    const byte = payload[at++]
    if (byte === undefined || scale > 2 ** 28) return undefined
    length += (byte & 127) * scale
    if (byte < 128) break
  }
  const end = at + length
  return end > payload.length ? undefined : { content: payload.subarray(at, end), end }
}
