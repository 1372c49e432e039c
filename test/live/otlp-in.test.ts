import { readFile } from "node:fs/promises"
import {
  create,
  createFileRegistry,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf"
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt"
import * as fc from "fast-check"
import { beforeAll, describe, expect, it } from "vitest"
import { successBody } from "../../collector/ingest/otlp-answer.ts"
import { readJsonMetrics } from "../../collector/ingest/otlp-json.ts"
import type { PointVisitor } from "../../collector/ingest/otlp-point.ts"
import { readProtobufMetrics } from "../../collector/ingest/otlp-protobuf.ts"
import { component } from "../../scripts/components/component.ts"
import { jsonRequest, protobufRequest, type TestResource } from "../fixtures/otlp-in/otlp-writer.ts"

let request: DescMessage
let response: DescMessage
beforeAll(async () => {
  const set = fromBinary(FileDescriptorSetSchema, await readFile(await component("otlp-descriptors")))
  // These descriptors were made without names for JSON; protobuf's rule makes them from the fields' names.
  for (const file of set.file)
    for (const type of file.messageType)
      for (const field of type.field)
        field.jsonName = field.name.replaceAll(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase())
  const registry = createFileRegistry(set)
  const message = (name: string): DescMessage => {
    const found = registry.getMessage(`opentelemetry.proto.collector.metrics.v1.${name}`)
    if (found === undefined) throw new Error(`the descriptors lack ${name}`)
    return found
  }
  request = message("ExportMetricsServiceRequest")
  response = message("ExportMetricsServiceResponse")
})

/** JSON.stringify writes -0 as 0, so that the two bodies would differ before anybody read them. */
const number = fc.double({ noNaN: true }).map((value) => value + 0)
/** Names and values may be anything; times whole microseconds, since a test writes them from ms. */
const word = fc.string({ unit: "grapheme", maxLength: 20 })
const attributes = fc.dictionary(
  word,
  fc.oneof(
    word,
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true, noInteger: true }),
  ),
  { maxKeys: 5 },
)
const times = { startMs: fc.nat(2 ** 41), timeMs: fc.nat(2 ** 41) }
const metric = fc.oneof(
  fc.record({
    name: word,
    kind: fc.constantFrom("sum" as const, "gauge" as const),
    temporality: fc.nat(2),
    monotonic: fc.boolean(),
    points: fc.array(
      fc.oneof(
        fc.record({
          attributes,
          value: fc.maxSafeInteger(),
          integer: fc.constant(true),
          flags: fc.nat(1),
          ...times,
        }),
        fc.record({ attributes, value: number, ...times }),
      ),
      { maxLength: 4 },
    ),
  }),
  fc.record({
    name: word,
    kind: fc.constant("histogram" as const),
    temporality: fc.nat(2),
    bounds: fc.array(number, { maxLength: 6 }),
    points: fc.array(
      fc.record({
        attributes,
        counts: fc.array(fc.nat(), { maxLength: 7 }),
        sum: number,
        ...times,
      }),
      { maxLength: 3 },
    ),
  }),
)
const resources: fc.Arbitrary<TestResource[]> = fc.array(
  fc.record({
    attributes: fc.dictionary(word, word, { maxKeys: 4 }),
    metrics: fc.array(metric, { maxLength: 3 }),
  }),
  { maxLength: 3 },
)

function told(read: (visitor: PointVisitor) => void): unknown[] {
  const all: unknown[] = []
  read({
    resource: (pairs) => all.push([...pairs]) > 0,
    point: (p) =>
      all.push([
        p.metric,
        p.kind,
        p.temporality,
        p.monotonic,
        p.value,
        p.startMs,
        p.timeMs,
        p.flags,
        p.count,
        p.sum,
        [...p.counts.subarray(0, p.bucketCount)],
        [...p.bounds.subarray(0, p.boundCount)],
        p.attributes(),
      ]),
    unread: (count, reason) => all.push([count, reason]),
  })
  return all
}

describe("our reader against code made from the protocol's own descriptors", () => {
  it("reads what that code writes, as it was meant", () => {
    fc.assert(
      fc.property(resources, (wanted) => {
        const meant = jsonRequest(wanted) as JsonValue
        const theirs = toBinary(request, fromJson(request, meant))
        const read = told((visitor) => readProtobufMetrics(theirs, visitor))
        expect(read).toEqual(told((visitor) => readProtobufMetrics(protobufRequest(wanted), visitor)))
        expect(read).toEqual(told((visitor) => readJsonMetrics(JSON.stringify(meant), visitor)))
      }),
      { numRuns: 300 },
    )
  })

  it("reads their JSON", () => {
    fc.assert(
      fc.property(resources, (wanted) => {
        const theirs = toJson(request, fromBinary(request, protobufRequest(wanted)))
        expect(told((visitor) => readJsonMetrics(JSON.stringify(theirs), visitor))).toEqual(
          told((visitor) => readProtobufMetrics(protobufRequest(wanted), visitor)),
        )
      }),
      { numRuns: 300 },
    )
  })

  it("refuses nothing that is sound when unknown fields stand between", () => {
    const wanted: TestResource[] = [
      {
        attributes: { a: "b" },
        metrics: [{ name: "m", kind: "sum", points: [{ attributes: { x: "y" }, value: 3, integer: true }] }],
      },
    ]
    const bytes = Buffer.concat([
      Buffer.from("a2060401020304", "hex"),
      protobufRequest(wanted),
      Buffer.from("9d0601020304", "hex"),
    ])
    expect(toJson(request, fromBinary(request, bytes))).toEqual(
      toJson(request, fromBinary(request, protobufRequest(wanted))),
    )
    expect(told((visitor) => readProtobufMetrics(bytes, visitor))).toEqual(
      told((visitor) => readProtobufMetrics(protobufRequest(wanted), visitor)),
    )
  })

  it("answers with what that code reads", () => {
    const partial = fromBinary(response, successBody("protobuf", 70_000, "why: größe"))
    expect(toJson(response, partial)).toEqual({
      partialSuccess: { rejectedDataPoints: "70000", errorMessage: "why: größe" },
    })
    expect(fromBinary(response, successBody("protobuf", 0, ""))).toEqual(create(response))
    const json = JSON.parse(Buffer.from(successBody("json", 5, "x")).toString()) as JsonValue
    expect(toJson(response, fromJson(response, json))).toEqual({
      partialSuccess: { rejectedDataPoints: "5", errorMessage: "x" },
    })
  })
})
