import { describe, expect, it } from "vitest"
import { MeshscopeError } from "#mesh/errors.ts"
import { UNSUPPORTED } from "../../collector/ingest/otlp-attributes.ts"
import { readJsonMetrics } from "../../collector/ingest/otlp-json.ts"
import type { OtlpPoint, PointVisitor } from "../../collector/ingest/otlp-point.ts"
import { readProtobufMetrics } from "../../collector/ingest/otlp-protobuf.ts"
import { jsonRequest, protobufRequest, type TestResource } from "../fixtures/otlp-in/otlp-writer.ts"

type Read = Record<string, unknown>

/** Everything that a reader tells, copied. */
function collect(read: (visitor: PointVisitor) => void): {
  resources: string[][]
  points: Read[]
  unread: unknown[]
} {
  const found = { resources: [] as string[][], points: [] as Read[], unread: [] as unknown[] }
  read({
    resource: (attributes) => {
      found.resources.push([...attributes])
      return true
    },
    point: (point) => found.points.push(copyOf(point)),
    unread: (count, reason) => found.unread.push([count, reason]),
  })
  return found
}

function copyOf(point: OtlpPoint): Read {
  const { metric, kind, temporality, monotonic, startMs, timeMs, value, flags, count, sum } = point
  return {
    metric,
    kind,
    temporality,
    monotonic,
    startMs,
    timeMs,
    value,
    flags,
    count,
    sum,
    counts: [...point.counts.subarray(0, point.bucketCount)],
    bounds: [...point.bounds.subarray(0, point.boundCount)],
    attributes: point.attributes(),
  }
}

const REQUEST: TestResource[] = [
  {
    attributes: { "service.instance.id": "agent-1", "host.name": "node-7" },
    metrics: [
      {
        name: "mesh_requests_total",
        kind: "sum",
        points: [
          {
            attributes: { mesh: "yelb", route: "größe💥" },
            value: 42,
            integer: true,
            startMs: 1_790_000_000_123.5,
            timeMs: 1_790_000_015_000,
          },
          { attributes: { n: -7, b: true, d: 0.5, "": "" }, value: 1.5, flags: 1 },
          { attributes: {}, value: -3, integer: true },
        ],
      },
      { name: "mesh_proxy_up", kind: "gauge", points: [{ attributes: { proxy: "p" }, value: 1 }] },
      {
        name: "mesh_request_duration_seconds",
        kind: "histogram",
        bounds: [0.1, 1],
        points: [{ attributes: { route: "a" }, counts: [1, 0, 5], sum: 7.25, startMs: 5, timeMs: 6 }],
      },
    ],
  },
  {
    attributes: {},
    metrics: [
      {
        name: "other",
        kind: "sum",
        temporality: 1,
        monotonic: false,
        points: [{ attributes: {}, value: 1 }],
      },
    ],
  },
]

describe("OTLP readers", () => {
  const protobuf = protobufRequest(REQUEST)

  it("read the same from protobuf and JSON", () => {
    const fromBytes = collect((visitor) => readProtobufMetrics(protobuf, visitor))
    const fromJson = collect((visitor) => readJsonMetrics(JSON.stringify(jsonRequest(REQUEST)), visitor))
    expect(fromJson).toEqual(fromBytes)
    expect(fromBytes.resources).toEqual([["service.instance.id", "agent-1", "host.name", "node-7"], []])
    expect(fromBytes.points).toHaveLength(6)
    expect(fromBytes.points[0]).toMatchObject({
      value: 42,
      startMs: 1_790_000_000_123.5,
      attributes: ["mesh", "yelb", "route", "größe💥"],
    })
    expect(fromBytes.points[1]).toMatchObject({
      value: 1.5,
      flags: 1,
      attributes: ["n", "-7", "b", "true", "d", "0.5", "", ""],
    })
    expect(fromBytes.points[2]).toMatchObject({ value: -3, attributes: [] })
    expect(fromBytes.points[4]).toMatchObject({ counts: [1, 0, 5], bounds: [0.1, 1], count: 6, sum: 7.25 })
    expect(fromBytes.points[5]).toMatchObject({ temporality: 1, monotonic: false })
  })

  it("refuse every cut that does not fall between two resources, with the one named error", () => {
    const whole = [0, protobufRequest(REQUEST.slice(0, 1)).length, protobuf.length]
    const taken: number[] = []
    const codes = new Set<unknown>()
    for (let cut = 0; cut <= protobuf.length; cut++) {
      try {
        collect((visitor) => readProtobufMetrics(protobuf.subarray(0, cut), visitor))
        taken.push(cut)
      } catch (error) {
        codes.add(error instanceof MeshscopeError ? error.code : error)
      }
    }
    expect(taken).toEqual(whole)
    expect([...codes]).toEqual(["INTAKE_MALFORMED"])
  })

  it.each([
    ["a length beyond its message", "0aff01"],
    ["a length of 2^63", "0affffffffffffffff7f"],
    ["a varint without an end", "0affffffffffffffffffffff"],
    ["field number 0", "0200"],
    ["a group", "0b0c"],
    ["wire type 6", "0e"],
    ["a name that is not UTF-8", "0a07120512030a01ff"],
    ["a nested length that leaves the parent", "0a0412050a00"],
  ])("refuse %s", (_what, hex) => {
    expect(() => collect((visitor) => readProtobufMetrics(Buffer.from(hex, "hex"), visitor))).toThrow(
      MeshscopeError,
    )
  })

  it("take fields in any order, unknown fields, and unpacked buckets", () => {
    // Metric with data before its name, a point with its attributes around the value, an unknown field 15.
    const point = `${attribute("a")}21000000000000f03f${attribute("b")}7a00`
    const sum = `1002 1801 0a${hexLength(point)}${point}`.replaceAll(" ", "")
    const metric = `3a${hexLength(sum)}${sum}0a0178`
    const histogram =
      "3a00".slice(0, 0) + "31 0100000000000000 31 0200000000000000 39 000000000000e03f".replaceAll(" ", "")
    const histogramData = `0a${hexLength(histogram)}${histogram}`
    const metric2 = `0a01794a${hexLength(histogramData)}${histogramData}`
    const scope = `12${hexLength(metric)}${metric}12${hexLength(metric2)}${metric2}`
    const resource = `12${hexLength(scope)}${scope}0a0a0a080a0161 12030a0162`.replaceAll(" ", "")
    const found = collect((visitor) =>
      readProtobufMetrics(Buffer.from(`0a${hexLength(resource)}${resource}`, "hex"), visitor),
    )
    expect(found.resources).toEqual([["a", "b"]])
    expect(found.points[0]).toMatchObject({
      metric: "x",
      temporality: 2,
      monotonic: true,
      value: 1,
      attributes: ["a", "v", "b", "v"],
    })
    expect(found.points[1]).toMatchObject({ metric: "y", counts: [1, 2], bounds: [0.5] })
  })

  it("name no key for attributes that other fields interrupt, so that nothing is cached under a changing name", () => {
    const keys: (string | undefined)[] = []
    const named = attribute("a")
    for (const point of [`${named}${named}`, `${named}4001${named}`, ""])
      readProtobufMetrics(one(point), {
        resource: () => true,
        point: ({ key }) => keys.push(key),
        unread: () => undefined,
      })
    expect(keys).toEqual([Buffer.from(named + named, "hex").toString("latin1"), undefined, ""])
  })

  it("count what they do not read", () => {
    const point = "0a00"
    const summary = `5a${hexLength(point + point)}${point}${point}`
    const metric = `0a0178${summary}`
    const scope = `12${hexLength(metric)}${metric}`
    const resource = `12${hexLength(scope)}${scope}`
    const found = collect((visitor) =>
      readProtobufMetrics(Buffer.from(`0a${hexLength(resource)}${resource}`, "hex"), visitor),
    )
    expect(found.unread).toEqual([[2, "summaries are not read"]])
    const json = {
      resourceMetrics: [
        { scopeMetrics: [{ metrics: [{ name: "x", exponentialHistogram: { dataPoints: [{}] } }] }] },
      ],
    }
    expect(collect((visitor) => readJsonMetrics(JSON.stringify(json), visitor)).unread).toEqual([
      [1, "exponential histograms are not read"],
    ])
  })

  it("mark attributes that are no plain value", () => {
    const json = {
      resourceMetrics: [
        {
          scopeMetrics: [
            {
              metrics: [
                {
                  name: "x",
                  gauge: {
                    dataPoints: [
                      {
                        attributes: [
                          { key: "list", value: { arrayValue: { values: [] } } },
                          { key: "none", value: {} },
                          { key: "absent" },
                        ],
                      },
                    ],
                  },
                },
              ],
            },
          ],
        },
      ],
    }
    const [point] = collect((visitor) => readJsonMetrics(JSON.stringify(json), visitor)).points
    expect(point?.["attributes"]).toEqual(["list", UNSUPPORTED, "none", "", "absent", ""])
  })

  it.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["resources that are no list", '{"resourceMetrics":{}}'],
    ["a metric that is a text", '{"resourceMetrics":[{"scopeMetrics":[{"metrics":["x"]}]}]}'],
    [
      "a value that is no number",
      '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"asInt":"x"}]}}]}]}]}',
    ],
    ["an attribute whose key is no text", '{"resourceMetrics":[{"resource":{"attributes":[{"key":7}]}}]}'],
    [
      "buckets that are no list",
      '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"bucketCounts":7}]}}]}]}]}',
    ],
    ["deep nesting", "[".repeat(200_000)],
  ])("refuse JSON with %s", (_what, text) => {
    expect(() => collect((visitor) => readJsonMetrics(text, visitor))).toThrow(
      expect.objectContaining({ code: "INTAKE_MALFORMED" }),
    )
  })
})

function hexLength(hex: string): string {
  const length = hex.length / 2
  return length < 128
    ? length.toString(16).padStart(2, "0")
    : Buffer.from([(length & 127) | 128, length >> 7]).toString("hex")
}

function attribute(name: string): string {
  return `3a080a01${Buffer.from(name).toString("hex")}12030a0176`
}

/** A request with one point of these bytes. */
function one(point: string): Buffer {
  const sum = `0a${hexLength(point)}${point}`
  const metric = `0a01783a${hexLength(sum)}${sum}`
  const scope = `12${hexLength(metric)}${metric}`
  const resource = `12${hexLength(scope)}${scope}`
  return Buffer.from(`0a${hexLength(resource)}${resource}`, "hex")
}
