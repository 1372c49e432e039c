import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { METRICS } from "#mesh/catalogue.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { readJsonMetrics } from "../../collector/ingest/otlp-json.ts"
import type { PointVisitor } from "../../collector/ingest/otlp-point.ts"
import { readProtobufMetrics } from "../../collector/ingest/otlp-protobuf.ts"
import { SmallCollector } from "../fixtures/collector/small-collector.ts"
import { jsonRequest, protobufRequest, type TestResource } from "../fixtures/otlp-in/otlp-writer.ts"

const word = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom("__proto__", "constructor", "mesh"),
)
// JSON.stringify writes -0 as 0, so that the two bodies would differ before anybody read them.
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
const point = fc.record({
  attributes: fc.dictionary(word, word, { maxKeys: 4 }),
  value: fc.oneof(fc.nat(), finite),
  startMs: fc.nat(2 ** 41),
  timeMs: fc.nat(2 ** 41),
})
const metric = fc.record({
  name: fc.constantFrom(METRICS.requests.name, METRICS.proxyUp.name, "other"),
  kind: fc.constantFrom("sum" as const, "gauge" as const),
  temporality: fc.nat(2),
  monotonic: fc.boolean(),
  points: fc.array(point, { maxLength: 4 }),
})
const histogram = fc.record({
  name: fc.constant(METRICS.duration.name),
  kind: fc.constant("histogram" as const),
  points: fc.array(
    fc.record({
      attributes: fc.dictionary(word, word, { maxKeys: 3 }),
      counts: fc.array(fc.nat(1000), { minLength: 17, maxLength: 17 }),
      sum: fc.double({ min: 0, max: 1e6, noNaN: true }),
    }),
    { maxLength: 2 },
  ),
})
const request: fc.Arbitrary<TestResource[]> = fc.array(
  fc.record({
    attributes: fc.dictionary(word, word, { maxKeys: 3 }),
    metrics: fc.array(fc.oneof(metric, histogram), { maxLength: 3 }),
  }),
  { maxLength: 3 },
)

function told(read: (visitor: PointVisitor) => void): unknown[] {
  const all: unknown[] = []
  read({
    resource: (attributes) => all.push([...attributes]) > 0,
    point: (each) =>
      all.push([
        each.metric,
        each.kind,
        each.temporality,
        each.monotonic,
        each.value,
        each.startMs,
        each.timeMs,
        each.sum,
        [...each.counts.subarray(0, each.bucketCount)],
        each.attributes(),
      ]),
    unread: (count, reason) => all.push([count, reason]),
  })
  return all
}

/** How a read ended; whatever is not our named error shows as itself. */
function ending(read: () => void): unknown {
  try {
    read()
    return "taken"
  } catch (error) {
    return error instanceof MeshscopeError ? error.code : error
  }
}

describe("OTLP in", () => {
  test("both encodings of any request read alike", () => {
    fc.assert(
      fc.property(request, (resources) => {
        const fromBytes = told((visitor) => readProtobufMetrics(protobufRequest(resources), visitor))
        const fromJson = told((visitor) => readJsonMetrics(JSON.stringify(jsonRequest(resources)), visitor))
        expect(fromJson).toEqual(fromBytes)
      }),
    )
  })

  test("bytes that were changed, cut or made up end in points or in the one named error, and the collector goes on", () => {
    const collector = new SmallCollector()
    const change = fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom("set", "cut", "insert", "delete"))
    fc.assert(
      fc.property(
        request,
        fc.array(change, { maxLength: 8 }),
        fc.uint8Array({ maxLength: 40 }),
        (resources, changes, tail) => {
          let bytes = Buffer.concat([
            protobufRequest(resources),
            changes.length % 3 === 0 ? tail : Buffer.alloc(0),
          ])
          for (const [at, value, how] of changes) {
            const place = at % (bytes.length + 1)
            const rest = bytes.subarray(how === "insert" ? place : place + 1)
            if (how === "cut") bytes = bytes.subarray(0, place)
            else
              bytes = Buffer.concat([
                bytes.subarray(0, place),
                how === "delete" ? Buffer.alloc(0) : Buffer.from([value]),
                rest,
              ])
          }
          const before = Object.keys(Object.prototype).length
          expect(["taken", "INTAKE_MALFORMED"]).toContain(
            ending(() => {
              readProtobufMetrics(bytes, collector.intake.request(collector.now))
            }),
          )
          expect(Object.keys(Object.prototype)).toHaveLength(before)
        },
      ),
      { numRuns: 3000 },
    )
    collector.pass(15_000)
    expect(collector.store.health().series).toBeLessThanOrEqual(10_000)
  })

  test("any JSON value is taken or refused with the one named error", () => {
    const collector = new SmallCollector()
    const deep = fc.letrec((tie) => ({
      any: fc.oneof(
        fc.jsonValue(),
        fc.record(
          {
            resourceMetrics: tie("any"),
            scopeMetrics: tie("any"),
            metrics: tie("any"),
            sum: tie("any"),
            histogram: tie("any"),
            dataPoints: tie("any"),
            attributes: tie("any"),
            value: tie("any"),
          },
          { requiredKeys: [] },
        ),
        fc.array(tie("any"), { maxLength: 3 }),
      ),
    })).any
    fc.assert(
      fc.property(deep, (value) => {
        expect(["taken", "INTAKE_MALFORMED"]).toContain(
          ending(() => {
            readJsonMetrics(JSON.stringify(value), collector.intake.request(collector.now))
          }),
        )
      }),
      { numRuns: 1000 },
    )
  })
})
