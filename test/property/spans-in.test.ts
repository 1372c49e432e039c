import * as fc from "fast-check"
import { expect, test } from "vitest"
import { MeshscopeError } from "#mesh/errors.ts"
import type { Span } from "#mesh/span.ts"
import { readOtlpJson } from "../../agent/decode/spans/otlp-json.ts"
import { readOtlpProtobuf } from "../../agent/decode/spans/otlp-protobuf.ts"
import { readZipkinJson } from "../../agent/decode/spans/zipkin-json.ts"
import { readZipkinProtobuf } from "../../agent/decode/spans/zipkin-protobuf.ts"
import { captured } from "../fixtures/spans/captured.ts"
import { Kept } from "../fixtures/spans/span-arbitrary.ts"

const READERS = {
  "otlp-json": readOtlpJson,
  otlp: readOtlpProtobuf,
  "zipkin-json": readZipkinJson,
  "zipkin-proto": readZipkinProtobuf,
} as const

/** Reads it all, or as much as comes before an error of ours. */
function readAny(read: (body: Uint8Array, kept: Kept) => void, body: Uint8Array): Span[] {
  const kept = new Kept()
  try {
    read(body, kept)
  } catch (error) {
    if (!(error instanceof MeshscopeError)) throw error
  }
  return kept.spans
}

/** Spans that are not what the rest of the agent relies on. */
const strange = (spans: readonly Span[]): Span[] =>
  spans.filter(
    ({ traceId, id, parentId, startUs, endUs = startUs, attributes }) =>
      !/^(?!0+$)[0-9a-f]{32}$/.test(traceId) ||
      !/^(?!0+$)[0-9a-f]{16}$/.test(id) ||
      !/^(?:(?!0+$)[0-9a-f]{16})?$/.test(parentId) ||
      !(Number.isSafeInteger(startUs) && Number.isSafeInteger(endUs) && startUs > 0 && endUs >= startUs) ||
      attributes.size > 128,
  )

test.each(["otlp", "zipkin-json", "zipkin-proto"] as const)(
  "%s of real Envoys with bytes changed, cut out and put in never surprises",
  (form) => {
    const [original] = captured(form, "fine")
    if (original === undefined) throw new Error("nothing was captured")
    const change = fc.record({
      at: fc.nat(original.length - 1),
      cut: fc.oneof(fc.constant(1), fc.nat(20)),
      put: fc.uint8Array({ maxLength: 12 }),
    })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let body = original
        for (const { at, cut, put } of changes)
          body = Buffer.concat([body.subarray(0, at), put, body.subarray(at + cut)])
        expect(strange(readAny(READERS[form], body))).toEqual([])
      }),
      { numRuns: 1500 },
    )
  },
)

test.each(Object.entries(READERS))("%s: any bytes", (_form, read) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (body) => {
      expect(strange(readAny(read, body))).toEqual([])
    }),
    { numRuns: 1000 },
  )
})

test.each(["otlp-json", "zipkin-json"] as const)("%s: any JSON in the place of a span", (form) => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { maxLength: 4 }), fc.jsonValue(), (spans, tags) => {
      const all = [...spans, { traceId: "a".repeat(32), id: "1", spanId: "b".repeat(16), timestamp: 5, tags }]
      const body = form === "otlp-json" ? { resourceSpans: [{ scopeSpans: [{ spans: all }] }] } : all
      const kept = new Kept()
      READERS[form](Buffer.from(JSON.stringify(body)), kept)
      // Each is told once.
      expect(kept.spans.length + kept.reasons.length).toBe(all.length)
    }),
    { numRuns: 500 },
  )
})
