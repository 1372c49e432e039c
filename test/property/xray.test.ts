import * as fc from "fast-check"
import { expect, test } from "vitest"
import type { Span } from "#mesh/span.ts"
import { documentStart } from "../../agent/collect/receive/xray-header.ts"
import { makeXrayDecoder } from "../../agent/decode/spans/xray.ts"
import type { QueueRecord } from "../../agent/publish/contract.ts"
import { makeXrayEncoder } from "../../agent/publish/xray/encoder.ts"
import { fitted, MAX_DOCUMENT_BYTES } from "../../agent/publish/xray/fit.ts"
import { cleanName } from "../../agent/publish/xray/names.ts"
import { splitSegments } from "../../agent/publish/xray/split.ts"
import { segmentsResult } from "../../agent/publish/xray/unprocessed.ts"

const LIMITS = { documents: 5, bytes: 1000 }
const record = fc
  .record({
    key: fc.constantFrom("", "a", "b", "c", "d"),
    bytes: fc.oneof(fc.integer({ min: 0, max: 1200 }), fc.integer({ min: 0, max: 20 })),
  })
  .map(({ key, bytes }): QueueRecord => ({ key, timeMs: 0, count: 1, payload: new Uint8Array(bytes) }))

test("a split holds each record once, within the limits; a trace that fits stays whole and in order", () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 60 }), (records) => {
      const { requests, refused } = splitSegments(records, LIMITS)
      const all = requests.flatMap((request) => [...request.records])
      expect(refused.size).toBe(0)
      expect(all.toSorted((one, other) => one - other)).toEqual(records.map((_, index) => index))
      for (const { records: indexes, body } of requests) {
        expect(indexes.length).toBeGreaterThan(0)
        expect(indexes.length).toBeLessThanOrEqual(LIMITS.documents)
        expect(body.documents).toEqual(indexes.map((index) => records[index]?.payload))
        const bytes = body.documents.reduce((sum, { length }) => sum + length, 0)
        expect(bytes <= LIMITS.bytes || indexes.length === 1).toBe(true)
      }
      for (const key of ["a", "b", "c", "d"]) {
        const own = records.flatMap((one, index) => (one.key === key ? [index] : []))
        const bytes = own.reduce((sum, index) => sum + (records[index]?.payload.length ?? 0), 0)
        const holding = requests.filter(({ records: indexes }) =>
          indexes.some((index) => own.includes(index)),
        )
        expect(
          holding.flatMap(({ records: indexes }) => indexes.filter((index) => own.includes(index))),
        ).toEqual(own)
        const fits = own.length <= LIMITS.documents && bytes <= LIMITS.bytes
        expect(holding.length).toBeLessThanOrEqual(fits ? 1 : own.length)
      }
    }),
  )
})

test("documents that are too long are refused by a split, the others sent", () => {
  const payloads = [MAX_DOCUMENT_BYTES, MAX_DOCUMENT_BYTES + 1, 1].map((length) => new Uint8Array(length))
  const { requests, refused } = splitSegments(
    payloads.map((payload) => ({ key: "t", timeMs: 0, count: 1, payload })),
  )
  expect([...refused]).toEqual([[1, "too_large"]])
  expect(requests.map(({ records }) => records)).toEqual([[0, 2]])
})

test("a split of ten thousand records takes a moment", () => {
  const records = Array.from({ length: 10_000 }, (_, index) => ({
    key: `t${index % 3000}`,
    timeMs: 0,
    count: 1,
    payload: new Uint8Array(900),
  }))
  const { requests } = splitSegments(records)
  expect(requests.length).toBeLessThanOrEqual(10_000 / 45)
})

const name = fc.string({ unit: "binary", maxLength: 300 })
test("every name becomes one that X-Ray takes, and stays as it is from then on", () => {
  fc.assert(
    fc.property(name, (text) => {
      const clean = cleanName(text)
      expect(clean).toMatch(/^[\p{L}\p{N}\s_.:/%&#=+\\\-@]{1,200}$/u)
      expect(cleanName(clean)).toBe(clean)
    }),
  )
})

const part: fc.Arbitrary<Record<string, unknown>> = fc.letrec<{ part: Record<string, unknown> }>((tie) => ({
  part: fc.record(
    {
      id: fc.oneof(
        { weight: 9, arbitrary: fc.stringMatching(/^[0-9a-f]{16}$/) },
        { weight: 1, arbitrary: fc.constant(1) },
      ),
      name: fc.string(),
      metadata: fc.integer({ min: 0, max: 30_000 }).map((length) => "x".repeat(length)),
      subsegments: fc.array(tie("part"), { maxLength: 4 }),
    },
    { requiredKeys: ["name"] },
  ),
})).part

test("whatever a document holds, what is sent fits, and its subsegments are sent once or counted", () => {
  fc.assert(
    fc.property(part, (document) => {
      const { documents, refused } = fitted(
        { ...document, id: "ffffffffffffffff" },
        "1-00000001-000000000000000000000001",
      )
      expect(documents.every(({ length }) => length <= MAX_DOCUMENT_BYTES)).toBe(true)
      const count = (value: unknown): number =>
        typeof value === "object" &&
        value !== null &&
        "subsegments" in value &&
        Array.isArray(value.subsegments)
          ? 1 + value.subsegments.reduce((sum: number, child: unknown) => sum + count(child), 0)
          : 1
      const sent = documents.reduce((sum, bytes) => sum + count(JSON.parse(bytes.toString())), 0)
      const lost = refused.length
      // A part that is refused takes what is nested in it along.
      expect(sent + lost).toBeLessThanOrEqual(count(document))
      expect(sent === count(document) || lost > 0).toBe(true)
    }),
    { numRuns: 60 },
  )
})

test("bytes of any kind neither throw nor leave anything behind, and are counted", () => {
  const decoder = makeXrayDecoder()
  const encoder = makeXrayEncoder({}, { append: () => undefined })
  let total = 0
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.json().map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        total++
        documentStart(Buffer.from(bytes))
        decoder.decode(Buffer.from(bytes), (span) => encoder.span(span))
        const { documents, spans, dropped } = decoder.counters()
        expect(documents).toBe(total)
        expect(spans + Object.values(dropped).reduce((sum, count) => sum + count, 0)).toBe(total)
      },
    ),
  )
  expect(Object.keys(Object.prototype)).toEqual([])
})

test("fields of any type and name are written again", () => {
  const decoder = makeXrayDecoder()
  const value = fc.jsonValue()
  const keys = [
    "http",
    "aws",
    "annotations",
    "metadata",
    "cause",
    "sql",
    "subsegments",
    "parent_id",
    "end_time",
    "type",
    "origin",
    "user",
    "error",
    "namespace",
    "__proto__",
    "constructor",
  ]
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...keys), value)), (fields) => {
      const rest = fields.map(([key, field]) => `,${JSON.stringify(key)}:${JSON.stringify(field)}`).join("")
      const text = `{"name":"n","id":"00000000000000aa","trace_id":"1-00000001-000000000000000000000001","start_time":1${rest}}`
      const spans: Span[] = []
      expect(decoder.decode(Buffer.from(text), (span) => spans.push(span))).toBeUndefined()
      const sent: Buffer[] = []
      const encoder = makeXrayEncoder(
        {},
        { append: (_key, _time, payload) => sent.push(Buffer.from(payload)) },
      )
      for (const span of spans) encoder.span(span)
      expect(sent.map((bytes) => bytes.toString())).toEqual([JSON.stringify(JSON.parse(text))])
    }),
  )
})

test("an answer accounts for each document at most once", () => {
  const ids = ["0000000000000001", "0000000000000002", "0000000000000003"]
  const documents = ids.map((id) =>
    Buffer.from(JSON.stringify({ name: "n", id, subsegments: [{ id: `a${id.slice(1)}` }] })),
  )
  const entry = fc.record(
    {
      Id: fc.constantFrom(...ids, "a000000000000002", "ffffffffffffffff", "__proto__"),
      ErrorCode: fc.constantFrom("InvalidTraceId", "ThrottlingException", "InternalFailure", "MissingId", ""),
      Message: fc.string(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
      const result = segmentsResult(documents, entries)
      if (result.kind !== "accepted") throw new Error(result.kind)
      const { rejected = new Map<number, string>(), again = new Set<number>(), rejectedCount = 0 } = result
      expect([...rejected.keys()].filter((position) => again.has(position))).toEqual([])
      expect(rejected.size + again.size + rejectedCount).toBeLessThanOrEqual(documents.length)
      for (const reason of rejected.values()) expect(reason).toMatch(/^[a-z_]+$/)
    }),
  )
})
