import { gzipSync } from "node:zlib"
import { create, fromBinary, toBinary } from "@bufbuild/protobuf"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { type FakeAws, startFakeAws } from "../fake/aws/fake-aws.ts"
import { signedFetch } from "../fake/aws/signed-fetch.ts"
import { otlpMessage, plain } from "../fixtures/ledger/otlp-schema.ts"

const NOW = Date.now()
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const METRICS = await otlpMessage("opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest")
const METRICS_ANSWER = await otlpMessage(
  "opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceResponse",
)
let fake: FakeAws

beforeEach(async () => {
  fake = await startFakeAws({ clock: { now: () => NOW } })
})
afterEach(() => fake.stop())

const SIGNED_FOR = { metrics: "monitoring", logs: "logs", traces: "xray" } as const
type Signal = keyof typeof SIGNED_FOR

const post = (
  signal: Signal,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  service: string = SIGNED_FOR[signal],
): Promise<Response> =>
  signedFetch(fake, {
    service,
    path: `/v1/${signal}`,
    headers: {
      "content-type": typeof body === "string" ? "application/json" : "application/x-protobuf",
      ...headers,
    },
    body,
  })

const attributes = (count: number): unknown[] =>
  Array.from({ length: count }, (_, index) => ({ key: `k${index}`, value: { stringValue: "v" } }))

const metrics = (points: unknown[]): string =>
  JSON.stringify({
    resourceMetrics: [
      {
        resource: { attributes: [{ key: "service.name", value: { stringValue: "meshscope-agent" } }] },
        scopeMetrics: [
          {
            scope: { name: "meshscope" },
            metrics: [
              {
                name: "mesh_requests_total",
                unit: "1",
                sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: points },
              },
            ],
          },
        ],
      },
    ],
  })

const point = (count = 1): unknown => ({
  asDouble: 3,
  timeUnixNano: `${NOW}000000`,
  attributes: attributes(count),
})

const traces = (spans: unknown[]): string =>
  JSON.stringify({ resourceSpans: [{ resource: {}, scopeSpans: [{ scope: {}, spans }] }] })

const nanos = (ms: number): string => `${ms}000000`
const span = (change: Record<string, unknown> = {}): Record<string, unknown> => ({
  traceId: "5759e988bd862e3fe1be46a994272793",
  spanId: "53995c3f42cd8ad8",
  name: "ui",
  startTimeUnixNano: nanos(NOW - 1000),
  endTimeUnixNano: nanos(NOW),
  ...change,
})

const record = { timeUnixNano: nanos(NOW), body: { stringValue: "a line" }, attributes: attributes(1) }
const logs = JSON.stringify({
  resourceLogs: [{ resource: {}, scopeLogs: [{ logRecords: [record, record] }] }],
})

describe("/v1/metrics", () => {
  test("takes JSON, and tells each point with its resource", async () => {
    const response = await post("metrics", metrics([point()]))
    expect([response.status, await response.json()]).toEqual([200, {}])
    expect(fake.otlp.points).toEqual([
      expect.objectContaining({
        metric: "mesh_requests_total",
        type: "sum",
        temporality: 2,
        resource: { "service.name": "meshscope-agent" },
        scope: "meshscope",
        attributes: { k0: "v" },
        point: expect.objectContaining({ value: { asDouble: 3 }, timeUnixNano: BigInt(NOW) * 1_000_000n }),
      }),
    ])
  })

  test("takes protobuf, plain and as gzip, and answers in protobuf", async () => {
    const body = new Uint8Array(toBinary(METRICS, create(METRICS)))
    const packed = new Uint8Array(gzipSync(body))
    for (const response of [
      await post("metrics", body),
      await post("metrics", packed, { "content-encoding": "gzip" }),
    ]) {
      expect(response.status).toBe(200)
      expect(response.headers.get("content-type")).toBe("application/x-protobuf")
      expect(plain(fromBinary(METRICS_ANSWER, new Uint8Array(await response.arrayBuffer())))).toEqual({})
    }
  })

  test("takes 1000 points, and refuses one more with 400", async () => {
    const points = Array.from({ length: 1001 }, () => point())
    const refused = await post("metrics", metrics(points))
    expect(refused.status).toBe(400)
    expect(await refused.json()).toEqual({ message: expect.stringContaining("1001 data points") })
    expect((await post("metrics", metrics(points.slice(1)))).status).toBe(200)
    expect(fake.otlp.points).toHaveLength(1000)
  })

  test("leaves out a point of more than 150 labels, those of the resource too", async () => {
    const response = await post("metrics", metrics([point(149), point(150)]))
    expect(await response.json()).toEqual({
      partialSuccess: { rejectedDataPoints: "1", errorMessage: expect.any(String) },
    })
    expect(fake.otlp.points).toHaveLength(1)
  })

  test("refuses what is not OTLP, not signed for it, or packed otherwise", async () => {
    expect((await post("metrics", "{")).status).toBe(400)
    expect((await post("metrics", new Uint8Array([255, 255]))).status).toBe(400)
    expect((await post("metrics", "{}", { "content-type": "text/plain" })).status).toBe(415)
    expect((await post("metrics", "{}", {}, "logs")).status).toBe(403)
    expect((await post("metrics", "{}", { "content-encoding": "deflate" })).status).toBe(400)
    expect((await post("metrics", "{}", { "content-encoding": "gzip" })).status).toBe(400)
  })

  test("can be told to refuse some, and to throttle", async () => {
    fake.fail("otlp:metrics", { kind: "refuse", first: 2 }, 1)
    const some = await post("metrics", metrics([point(), point(), point()]))
    expect(await some.json()).toMatchObject({ partialSuccess: { rejectedDataPoints: "2" } })
    fake.fail("otlp:*", { kind: "throttle", retryAfterSeconds: 7 }, 1)
    const throttled = await post("metrics", metrics([]))
    expect([throttled.status, throttled.headers.get("retry-after")]).toEqual([429, "7"])
  })
})

/** With two ids, two times and their tags, and four bytes before the name, a span is of 200,000 bytes. */
const NAME_ROOM = 200_000 - (2 + 16) - (2 + 8) - 2 * (1 + 8) - 4

describe("/v1/traces", () => {
  test("takes spans, ids in hexadecimal in JSON", async () => {
    expect((await post("traces", traces([span({ attributes: attributes(1) })]))).status).toBe(200)
    expect(fake.otlp.spans).toEqual([
      expect.objectContaining({
        attributes: { k0: "v" },
        span: expect.objectContaining({ traceId: span()["traceId"], spanId: span()["spanId"], name: "ui" }),
      }),
    ])
  })

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ["200 KB", { name: "x".repeat(NAME_ROOM) }, { name: "x".repeat(NAME_ROOM + 1) }],
    [
      "14 days back",
      { startTimeUnixNano: nanos(NOW - 14 * DAY_MS), endTimeUnixNano: nanos(NOW) },
      { startTimeUnixNano: nanos(NOW - 14 * DAY_MS - 1) },
    ],
    [
      "2 hours ahead",
      { endTimeUnixNano: nanos(NOW + 2 * HOUR_MS) },
      { endTimeUnixNano: nanos(NOW + 2 * HOUR_MS + 1) },
    ],
    ["a trace id", {}, { traceId: "0".repeat(32) }],
    ["a span id of 8 bytes", {}, { spanId: "53995c3f42cd8a" }],
  ])("takes a span of %s and leaves out what is beyond it", async (_what, within, beyond) => {
    expect(await (await post("traces", traces([span(within)]))).json()).toEqual({})
    expect(await (await post("traces", traces([span(beyond)]))).json()).toMatchObject({
      partialSuccess: { rejectedSpans: "1" },
    })
    expect(fake.otlp.spans).toHaveLength(1)
  })

  test("refuses 10,001 spans, 5 MB, and 24 hours between spans, as a whole", {
    timeout: 30_000,
  }, async () => {
    const many = Array.from({ length: 10_001 }, () => ({
      traceId: "01".repeat(16),
      spanId: "01".repeat(8),
      name: "a",
      startTimeUnixNano: nanos(NOW),
    }))
    expect((await post("traces", traces(many))).status).toBe(400)
    expect((await post("traces", traces(many.slice(1)))).status).toBe(200)
    const large = " ".repeat(5_000_000)
    expect((await post("traces", `{}${large}`)).status).toBe(400)
    const early = span({ startTimeUnixNano: nanos(NOW - 1000 - DAY_MS - 1) })
    expect((await post("traces", traces([early, span()]))).status).toBe(400)
  })
})

describe("/v1/logs", () => {
  test("takes records for a group and a stream that are there", async () => {
    fake.logs.create("/meshname/demo", "agent-1")
    const named = { "x-aws-log-group": "/meshname/demo", "x-aws-log-stream": "agent-1" }
    expect((await post("logs", logs, named)).status).toBe(200)
    expect(fake.otlp.records).toEqual(
      [record, record].map(() =>
        expect.objectContaining({ group: "/meshname/demo", stream: "agent-1", attributes: { k0: "v" } }),
      ),
    )
    expect((await post("logs", logs)).status).toBe(400)
    const other = await post("logs", logs, { ...named, "x-aws-log-stream": "nowhere" })
    expect([other.status, await other.json()]).toEqual([
      400,
      { message: expect.stringContaining("ResourceNotFoundException") },
    ])
  })
})
