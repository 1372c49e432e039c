import { expect, test } from "vitest"
import { STATUS_OK } from "#mesh/span.ts"
import { readOtlpJson } from "../../agent/decode/spans/otlp-json.ts"
import { readZipkinJson } from "../../agent/decode/spans/zipkin-json.ts"
import type { QueueRecord } from "../../agent/publish/contract.ts"
import { OTLP_SPAN_LIMITS, splitSpans } from "../../agent/publish/otlp-traces/span-split.ts"
import { makeOtlpTracesProducer } from "../../agent/publish/otlp-traces/traces-sink.ts"
import { zipkinJson } from "../../agent/publish/zipkin/span-json.ts"
import { Kept, smallSpan } from "../fixtures/spans/span-arbitrary.ts"

const ID = "53995c3f42cd8ad8"
const TRACE = "5759e988bd862e3fe1be46a994272793"

test("Zipkin is never told a duration of 0, which would mean that none is known", () => {
  const { startUs } = smallSpan()
  expect(JSON.parse(zipkinJson(smallSpan({ endUs: startUs })))).toMatchObject({ duration: 1 })
})

test("Zipkin gets ASCII alone, since its server breaks what pieces of a compressed body share", () => {
  const text = zipkinJson(smallSpan({ name: "größe 🙂" }))
  expect(text).toMatch(/^[\u0020-\u007e]+$/)
  expect(JSON.parse(text)).toMatchObject({ name: "größe 🙂" })
})

test.each([
  [{ ...STATUS_OK, error: true }, "true"],
  [{ ...STATUS_OK, fault: true }, "true"],
  [STATUS_OK, undefined],
])("Zipkin's tag for a status of %j is %s", (status, tag) => {
  const { tags = {} } = JSON.parse(zipkinJson(smallSpan({ status }))) as { tags?: Record<string, string> }
  expect(tags["error"]).toBe(tag)
})

test("a span that says that it is its own parent has none", () => {
  const kept = new Kept()
  const span = { traceId: TRACE, id: ID, parentId: ID, timestamp: 1_795_190_178_464_010 }
  readZipkinJson(Buffer.from(JSON.stringify([span])), kept)
  expect(kept.spans.map(({ parentId }) => parentId)).toEqual([""])
})

test("a span does not end before it begins, whatever the sender's clock did", () => {
  const kept = new Kept()
  const span = {
    traceId: TRACE,
    spanId: ID,
    name: "a",
    startTimeUnixNano: "1795190178464010000",
    endTimeUnixNano: "1795190178464000000",
  }
  const body = { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }
  readOtlpJson(Buffer.from(JSON.stringify(body)), kept)
  expect(kept.spans.map(({ startUs, endUs }) => (endUs ?? 0) - startUs)).toEqual([0])
})

test("a request of OTLP has as many spans as its limit says, not one more", () => {
  const records: QueueRecord[] = []
  const producer = makeOtlpTracesProducer(
    {
      append: (key, timeMs, payload, count = 1) =>
        void records.push({ key, timeMs, count, payload: Uint8Array.from(payload) }),
    },
    () => undefined,
  )
  for (let span = 0; span < 5; span++) producer.span(smallSpan())
  const { requests } = splitSpans(records, Date.now(), { ...OTLP_SPAN_LIMITS, maxSpans: 2 })
  expect(requests.map(({ records: own }) => own.length)).toEqual([2, 2, 1])
})
