import { create, fromBinary, toBinary } from "@bufbuild/protobuf"
import * as fc from "fast-check"
import { expect, test } from "vitest"
import type { AttributeValue, Span } from "#mesh/span.ts"
import { readOtlpJson } from "../../agent/decode/spans/otlp-json.ts"
import { readOtlpProtobuf } from "../../agent/decode/spans/otlp-protobuf.ts"
import type { QueueRecord } from "../../agent/publish/contract.ts"
import { makeSpanEncoder } from "../../agent/publish/otlp-traces/span-encoder.ts"
import { nameOf } from "../../agent/publish/otlp-traces/span-names.ts"
import { CLOUDWATCH_SPAN_LIMITS, splitSpans } from "../../agent/publish/otlp-traces/span-split.ts"
import { otlpMessage, type Plain, plain } from "../fixtures/ledger/otlp-schema.ts"
import { anySpan, attributeMaps, Kept, spanIds, times, traceIds } from "../fixtures/spans/span-arbitrary.ts"

const REQUEST = await otlpMessage("opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest")
const encoder = makeSpanEncoder()

function recordsOf(all: readonly Span[]): QueueRecord[] {
  return all.map((span) => {
    const payload = encoder.encode(span)
    if (payload === undefined) throw new Error("not ended")
    return { key: "", timeMs: span.startUs / 1000, count: 1, payload: Uint8Array.from(payload) }
  })
}
const named = (span: Span): Span => ({ ...span, name: nameOf(span) })
const byId = (one: Span, other: Span): number => (one.id < other.id ? -1 : 1)

test("what is written is what we read back, field by field", () => {
  fc.assert(
    fc.property(fc.array(anySpan, { minLength: 1, maxLength: 8 }), (all) => {
      const { requests, refused } = splitSpans(recordsOf(all), 0, {
        maxSpans: 3,
        maxBytes: 1e6,
        maxSpanBytes: 1e6,
      })
      expect(refused.size).toBe(0)
      const kept = new Kept()
      for (const { body } of requests) readOtlpProtobuf(body, kept)
      expect(kept.reasons).toEqual([])
      expect(kept.spans.toSorted(byId)).toEqual(all.map(named).toSorted(byId))
    }),
    { numRuns: 150 },
  )
})

const KINDS = ["", "internal", "server", "client", "producer", "consumer"]

test("what is written is what the protocol's own descriptors read", () => {
  fc.assert(
    fc.property(anySpan, (span) => {
      const [request] = splitSpans(recordsOf([span]), 0, {
        maxSpans: 1,
        maxBytes: 1e6,
        maxSpanBytes: 1e6,
      }).requests
      const message = fromBinary(REQUEST, request?.body ?? new Uint8Array())
      const [resourceSpans] = (plain(message) as unknown as Written).resourceSpans
      const [written] = resourceSpans?.scopeSpans[0]?.spans ?? []
      expect(written).toMatchObject({
        traceId: span.traceId,
        spanId: span.id,
        parentSpanId: span.parentId,
        name: nameOf(span),
        kind: KINDS.indexOf(span.kind),
        startTimeUnixNano: BigInt(span.startUs) * 1000n,
        endTimeUnixNano: BigInt(span.endUs ?? 0) * 1000n,
        events: (span.events ?? []).map(({ timeUs, name }) => ({
          timeUnixNano: BigInt(timeUs) * 1000n,
          name,
        })),
        links: (span.links ?? []).map(({ traceId, id }) => ({ traceId, spanId: id })),
      })
      const told = attributesOf(written?.attributes ?? [])
      for (const [name, value] of span.attributes) expect([name, told.get(name)]).toEqual([name, value])
      expect(told.size).toBe(written?.attributes.length)
      expect(told.get("http.response.status_code")).toBe(span.http.status)
      const process = attributesOf(resourceSpans?.resource.attributes ?? [])
      expect(process).toEqual(new Map([...span.resource, ["service.name", span.service]]))
    }),
    { numRuns: 150 },
  )
})

interface KeyValue {
  readonly key: string
  readonly value: { readonly value: Record<string, string | boolean | bigint | number> }
}
interface Written {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: KeyValue[] }
    readonly scopeSpans: readonly { readonly spans: readonly PlainSpan[] }[]
  }[]
}
interface PlainSpan {
  readonly attributes: KeyValue[]
}
function attributesOf(all: readonly KeyValue[]): Map<string, AttributeValue> {
  return new Map(
    all.map(({ key, value }) => {
      const [content] = Object.values(value.value)
      return [key, typeof content === "bigint" ? Number(content) : (content ?? "")]
    }),
  )
}

const anyValue = (value: AttributeValue) => {
  if (typeof value === "string") return { value: { case: "stringValue", value } }
  if (typeof value === "boolean") return { value: { case: "boolValue", value } }
  if (Number.isSafeInteger(value) && !Object.is(value, -0))
    return { value: { case: "intValue", value: BigInt(value) } }
  return { value: { case: "doubleValue", value } }
}
const keyValues = (attributes: ReadonlyMap<string, AttributeValue>) =>
  [...attributes].map(([key, value]) => ({ key, value: anyValue(value) }))
const bytes = (digits: string) => Uint8Array.from(Buffer.from(digits, "hex"))

const sent = fc.record({
  traceId: traceIds,
  id: spanIds,
  parentId: fc.oneof(fc.constant(""), spanIds),
  kind: fc.integer({ min: 0, max: 5 }),
  startUs: times,
  nanos: fc.bigInt({ min: 0n, max: 999n }),
  status: fc.constantFrom(0, 1, 2),
  attributes: attributeMaps(),
  resource: attributeMaps(3),
  events: fc.array(fc.record({ timeUs: times, attributes: attributeMaps(2) }), { maxLength: 2 }),
})

test("what the protocol's own descriptors write is read, as protobuf and as JSON", () => {
  fc.assert(
    fc.property(fc.array(sent, { minLength: 1, maxLength: 4 }), (all) => {
      const message = create(REQUEST, {
        resourceSpans: all.map((one) => ({
          resource: { attributes: keyValues(one.resource) },
          scopeSpans: [
            {
              scope: { name: "lib" },
              spans: [
                {
                  traceId: bytes(one.traceId),
                  spanId: bytes(one.id),
                  parentSpanId: bytes(one.parentId),
                  name: "GET /",
                  kind: one.kind,
                  startTimeUnixNano: BigInt(one.startUs) * 1000n + one.nanos,
                  endTimeUnixNano: BigInt(one.startUs) * 1000n + 5000n + one.nanos,
                  attributes: keyValues(one.attributes),
                  events: one.events.map(({ timeUs, attributes }) => ({
                    timeUnixNano: BigInt(timeUs) * 1000n,
                    name: "e",
                    attributes: keyValues(attributes),
                  })),
                  status: { code: one.status, message: "" },
                },
              ],
            },
          ],
        })),
      })
      const kept = new Kept()
      readOtlpProtobuf(toBinary(REQUEST, message), kept)
      expect(kept.reasons).toEqual([])
      for (const [index, one] of all.entries())
        expect(kept.spans[index]).toMatchObject({
          traceId: one.traceId,
          id: one.id,
          parentId: one.parentId === one.id ? "" : one.parentId,
          startUs: one.startUs,
          endUs: one.startUs + 5,
          status: { fault: one.status === 2 },
          attributes: new Map([...one.attributes, ["otel.scope.name", "lib"]]),
          resource: one.resource,
        })
      const json = new Kept()
      readOtlpJson(Buffer.from(JSON.stringify(inJson(plain(message)))), json)
      expect(json.reasons).toEqual([])
      expect(json.spans).toEqual(kept.spans)
    }),
    { numRuns: 150 },
  )
})

/** Fields by the descriptors' names in camel case, 64-bit numbers as texts, ids in hexadecimal digits: OTLP's JSON. */
function inJson(value: Plain): unknown {
  if (typeof value === "bigint") return String(value)
  if (Array.isArray(value)) return value.map(inJson)
  if (typeof value !== "object") return value
  const entries = Object.entries(value)
  const [[name, inner] = []] = entries
  // A one-of stands by its case: `value: { stringValue }`.
  if (entries.length === 1 && name === "value" && typeof inner === "object") return inJson(inner)
  return Object.fromEntries(entries.map(([key, one]) => [key, inJson(one)]))
}

test("CloudWatch's limits are kept, whatever is sent, and each record is in one place", () => {
  const nowMs = Date.UTC(2026, 10, 21)
  const record = fc.record({
    hours: fc.integer({ min: -400, max: 4 }),
    bytes: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(100_000, 190_000, 199_900, 200_100)),
    service: fc.constantFrom("a", "b", "c".repeat(300)),
  })
  fc.assert(
    fc.property(fc.array(record, { maxLength: 60 }), fc.integer({ min: 1, max: 50 }), (all, maxSpans) => {
      const [template] = fc.sample(anySpan, 1)
      if (template === undefined) throw new Error("no span")
      const records = recordsOf(
        all.map(({ hours, bytes: size, service }) => ({
          ...template,
          service,
          startUs: (nowMs + hours * 3_600_000) * 1000,
          attributes: new Map([["own.text", "x".repeat(size)]]),
        })),
      )
      const limits = { ...CLOUDWATCH_SPAN_LIMITS, maxSpans, maxBytes: 400_000 }
      const { requests, refused } = splitSpans(records, nowMs, limits)
      const seen = [...refused.keys(), ...requests.flatMap((request) => request.records)]
      expect(seen.toSorted((one, other) => one - other)).toEqual(all.map((_, index) => index))
      for (const { records: indexes, body } of requests) {
        const hours = indexes.map((index) => all[index]?.hours ?? 0)
        expect(indexes.length).toBeLessThanOrEqual(maxSpans)
        expect(body.length).toBeLessThanOrEqual(400_000)
        expect(Math.max(...hours) - Math.min(...hours)).toBeLessThanOrEqual(24)
        const kept = new Kept()
        readOtlpProtobuf(body, kept)
        expect(kept.spans.length).toBe(indexes.length)
        // One resource each, however often it was told.
        const { resourceSpans } = plain(fromBinary(REQUEST, body)) as { resourceSpans: Plain[] }
        expect(resourceSpans.length).toBe(new Set(indexes.map((index) => all[index]?.service)).size)
      }
      for (const [index, why] of refused) {
        const { hours, bytes: size } = all[index] ?? { hours: 0, bytes: 0 }
        expect(why).toBe(size > 190_000 ? "too_large" : hours > 2 ? "too_new" : "too_old")
      }
    }),
    { numRuns: 60 },
  )
})
