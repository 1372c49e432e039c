import { create, toBinary } from "@bufbuild/protobuf"
import * as fc from "fast-check"
import { expect, test } from "vitest"
import type { Span } from "#mesh/span.ts"
import { readZipkinJson } from "../../agent/decode/spans/zipkin-json.ts"
import { readZipkinProtobuf } from "../../agent/decode/spans/zipkin-protobuf.ts"
import { nameOf } from "../../agent/publish/otlp-traces/span-names.ts"
import { zipkinJson } from "../../agent/publish/zipkin/span-json.ts"
import { splitZipkin } from "../../agent/publish/zipkin/span-split.ts"
import { anySpan, Kept, spanIds, times, traceIds } from "../fixtures/spans/span-arbitrary.ts"
import { zipkinList } from "../fixtures/spans/zipkin-schema.ts"

const LIST = zipkinList()
const KINDS = [undefined, "CLIENT", "SERVER", "PRODUCER", "CONSUMER"] as const

const texts = fc.string({ unit: "binary", maxLength: 20 })
const keys = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "http.method", "http.status_code", "error", "node_id"),
  fc.string({ minLength: 1, maxLength: 8 }),
)
const endpoint = fc.record({
  serviceName: texts,
  ipv4: fc.option(fc.tuple(...Array.from({ length: 4 }, () => fc.nat(255))), { nil: undefined }),
  port: fc.nat(65_535),
})
const sent = fc.record({
  traceId: fc.oneof(traceIds, spanIds),
  id: spanIds,
  parentId: fc.option(spanIds, { nil: undefined }),
  kind: fc.nat(4),
  name: texts,
  timestamp: times,
  duration: fc.nat(1_000_000),
  localEndpoint: fc.option(endpoint, { nil: undefined }),
  remoteEndpoint: fc.option(endpoint, { nil: undefined }),
  annotations: fc.array(fc.record({ timestamp: times, value: texts }), { maxLength: 3 }),
  tags: fc.uniqueArray(fc.tuple(keys, fc.oneof(fc.constantFrom("200", "404", "true", "GET"), texts)), {
    selector: ([key]) => key,
    maxLength: 6,
  }),
  shared: fc.boolean(),
})
type Sent = typeof sent extends fc.Arbitrary<infer T> ? T : never
type Endpoint = Sent["localEndpoint"]

const hex = (digits: string) => Uint8Array.from(Buffer.from(digits, "hex"))

const protobufEndpoint = (one: Endpoint) =>
  one && { serviceName: one.serviceName, ipv4: Uint8Array.from(one.ipv4 ?? []), port: one.port }
const jsonEndpoint = (one: Endpoint) => one && { ...one, ipv4: one.ipv4?.join(".") }

function asProtobuf(all: readonly Sent[]): Uint8Array {
  const list = {
    spans: all.map((one) => ({
      ...one,
      traceId: hex(one.traceId),
      id: hex(one.id),
      parentId: hex(one.parentId ?? ""),
      timestamp: BigInt(one.timestamp),
      duration: BigInt(one.duration),
      localEndpoint: protobufEndpoint(one.localEndpoint),
      remoteEndpoint: protobufEndpoint(one.remoteEndpoint),
      annotations: one.annotations.map(({ timestamp, value }) => ({ timestamp: BigInt(timestamp), value })),
      // A map of the runtime is an object, which has no room for `__proto__`.
      tags: Object.fromEntries(one.tags.filter(([key]) => key !== "__proto__")),
    })),
  }
  return toBinary(LIST, create(LIST, list as Record<string, unknown>))
}

function asJson(all: readonly Sent[]): Buffer {
  return Buffer.from(
    JSON.stringify(
      all.map((one) => ({
        ...one,
        kind: KINDS[one.kind],
        localEndpoint: jsonEndpoint(one.localEndpoint),
        remoteEndpoint: jsonEndpoint(one.remoteEndpoint),
        tags: Object.fromEntries(one.tags.filter(([key]) => key !== "__proto__")),
      })),
    ),
  )
}

test("protobuf as the format's descriptor writes it, and JSON, are the same spans", () => {
  fc.assert(
    fc.property(fc.array(sent, { minLength: 1, maxLength: 5 }), (all) => {
      const protobuf = new Kept()
      readZipkinProtobuf(asProtobuf(all), protobuf)
      const json = new Kept()
      readZipkinJson(asJson(all), json)
      expect([json.reasons, protobuf.reasons]).toEqual([[], []])
      expect(protobuf.spans).toEqual(json.spans)
      for (const [index, one] of all.entries()) {
        const shared = one.shared && one.kind === 2
        expect(json.spans[index]).toMatchObject({
          traceId: one.traceId.padStart(32, "0"),
          parentId: shared ? one.id : one.parentId === one.id ? "" : (one.parentId ?? ""),
          startUs: one.timestamp,
          endUs: one.duration === 0 ? undefined : one.timestamp + one.duration,
          service: one.localEndpoint?.serviceName ?? "",
        })
        expect(json.spans[index]?.id === one.id).toBe(!shared)
      }
    }),
    { numRuns: 200 },
  )
})

/** What the format has no room for: links, the sender's process, types of values. */
function asZipkinHas(span: Span): object {
  const { links: _, resource, attributes, ...rest } = span
  const told = [...resource, ...attributes].map(([name, value]): [string, string] => [name, String(value)])
  return { ...rest, name: nameOf(span), attributes: new Map(told), resource: new Map() }
}

/** Attributes of events become text of their names. */
function withQuietEvents(span: Span): Span {
  if (span.events === undefined) return span
  return { ...span, events: span.events.map(({ timeUs, name }) => ({ timeUs, name, attributes: new Map() })) }
}

test("what is written is what we read back, but for what the format has no room for", () => {
  fc.assert(
    fc.property(fc.array(anySpan, { minLength: 1, maxLength: 6 }), (all) => {
      const kept = new Kept()
      const quiet = all.map(withQuietEvents)
      const records = quiet.map((span) => ({
        key: "",
        timeMs: 0,
        count: 1,
        payload: Buffer.from(zipkinJson(span)),
      }))
      const limits = { maxSpans: 4, maxBytes: 1e6 }
      for (const { body } of splitZipkin(records, limits).requests) readZipkinJson(body, kept)
      expect(kept.reasons).toEqual([])
      expect(kept.spans).toMatchObject(quiet.map(asZipkinHas))
    }),
    { numRuns: 200 },
  )
})

test("lists keep within bytes and spans, and each record is in one place", () => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 2, max: 50 }), fc.constantFrom(98, 99, 100)), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 10 }), (all, maxSpans) => {
      const records = all.map((size) => ({
        key: "",
        timeMs: 0,
        count: 1,
        payload: Buffer.from(`"${"x".repeat(size - 2)}"`),
      }))
      const { requests, refused } = splitZipkin(records, { maxSpans, maxBytes: 100 })
      const seen = [...refused.keys(), ...requests.flatMap((request) => request.records)]
      expect(seen.toSorted((one, other) => one - other)).toEqual(all.map((_, index) => index))
      for (const { records: indexes, body } of requests) {
        expect(body.length).toBeLessThanOrEqual(100)
        expect(indexes.length).toBeLessThanOrEqual(maxSpans)
        expect(JSON.parse(Buffer.from(body).toString())).toEqual(
          indexes.map((index) => "x".repeat((all[index] ?? 2) - 2)),
        )
      }
      for (const index of refused.keys()) expect(all[index]).toBeGreaterThan(98)
    }),
  )
})
