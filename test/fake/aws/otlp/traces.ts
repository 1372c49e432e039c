import type { Call } from "../operation.ts"
import { type Answer, Refusal } from "../refusal.ts"
import type { OtlpSpan, OtlpStore } from "./store.ts"
import { attributesOf, type Codec, type Fields, fieldsOf, listOf, msOf, textOf } from "./wire.ts"

/**
 * docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html, table of the traces endpoint. How a
 * breach is answered is not documented: here what concerns the request is a 400, what concerns one span partial success.
 * Units are of 1000 bytes, the stricter way to read them.
 */
const MAX_BODY_BYTES = 5_000_000
const MAX_SPANS = 10_000
const MAX_SPAN_BYTES = 200_000
const DAY_MS = 86_400_000
const OLDEST_MS = 14 * DAY_MS
const NEWEST_MS = 2 * 3_600_000
/** "24-hour gap" between the spans of a request. */
const MAX_GAP_MS = DAY_MS

const refused = (message: string): Refusal => new Refusal("ValidationException", message)

/** @throws Refusal */
export function takeTraces(store: OtlpStore, codec: Codec, call: Call): Answer {
  if (call.body.length > MAX_BODY_BYTES) throw refused("The request is larger than 5 MB after inflating.")
  const { fields, itemBytes } = codec.read(call)
  const spans = spansOf(fields)
  if (spans.length > MAX_SPANS)
    throw refused(`The request has ${spans.length} spans, more than ${MAX_SPANS}.`)
  const starts = spans.map(({ span }) => msOf(span["startTimeUnixNano"]))
  const gap =
    starts.reduce((most, ms) => Math.max(most, ms), 0) -
    starts.reduce((least, ms) => Math.min(least, ms), Infinity)
  if (gap > MAX_GAP_MS) throw refused("The spans of the request are more than 24 hours apart.")
  const taken = spans.filter(
    (span, index) =>
      index >= (call.refuse?.first ?? 0) &&
      isSpan(span) &&
      inTime(span, call.nowMs) &&
      (itemBytes[index] ?? 0) <= MAX_SPAN_BYTES,
  )
  store.spans.push(...taken)
  return codec.answer(call, spans.length - taken.length, "Some spans were not taken.")
}

/** The protocol's own rules (opentelemetry/proto/trace/v1/trace.proto): ids of 16 and 8 bytes, not all zero, and a name. */
const isSpan = ({ span }: OtlpSpan): boolean =>
  isId(span["traceId"], 32) && isId(span["spanId"], 16) && span["name"] !== ""

const isId = (id: unknown, length: number): boolean =>
  typeof id === "string" && id.length === length && !/^0+$/.test(id)

function inTime({ span }: OtlpSpan, nowMs: number): boolean {
  const startMs = msOf(span["startTimeUnixNano"])
  return startMs >= nowMs - OLDEST_MS && msOf(span["endTimeUnixNano"]) <= nowMs + NEWEST_MS
}

function spansOf(request: Fields): OtlpSpan[] {
  return listOf(request["resourceSpans"]).flatMap(({ resource, scopeSpans }) =>
    listOf(scopeSpans).flatMap(({ scope, spans }) =>
      listOf(spans).map((span) => ({
        resource: attributesOf(fieldsOf(resource)["attributes"]),
        scope: textOf(fieldsOf(scope)["name"]),
        attributes: attributesOf(span["attributes"]),
        span,
      })),
    ),
  )
}
