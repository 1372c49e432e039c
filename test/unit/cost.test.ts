import { describe, expect, test } from "vitest"
import { metricSets } from "#mesh/cloudwatch/metric-sets.ts"
import { costSentence, estimate } from "#mesh/cost/estimate.ts"
import { type Flow, type FlowOptions, flowOf } from "#mesh/cost/flow.ts"
import { dollars, LIST_PRICES, metricCap, PRICE_KEYS, unitsFor } from "#mesh/cost/prices.ts"
import { pricesSchema, priceTable } from "#mesh/cost/prices-schema.ts"
import { ledgerSamples, type Sample, type Samples } from "#mesh/cost/samples.ts"
import { documentBytes, LOG_EVENT_BYTES, pointBytes } from "#mesh/cost/sizes.ts"
import { sayCost } from "../../agent/publish/cost/cost-line.ts"
import { readPage } from "../../cli/agent-page.ts"
import { routeLabels, telling } from "../fixtures/cloudwatch/telling.ts"

const OPTIONS: FlowOptions = {
  sets: metricSets("meshscope"),
  cap: undefined,
  classicIntervalMs: 60_000,
  otlpIntervalMs: 15_000,
  otlpFullMs: 240_000,
  sampling: 0.05,
}

test.each([
  [0, 0],
  [1, 0.3],
  [10_000, 3000],
  [10_001, 3000.1],
  [250_000, 27_000],
  [1_000_000, 64_500],
  [1_000_100, 64_502],
])("%i classic metrics cost %f dollars a month", (metrics, usd) => {
  expect(dollars(LIST_PRICES.prices.classicMetric, metrics)).toBeCloseTo(usd, 6)
})

test.each([
  [0, 0],
  [0.29, 0],
  [0.3, 1],
  [30, 100],
  [3000, 10_000],
  [3000.1, 10_001],
  [64_502, 1_000_100],
])("%f dollars pay for %i metrics", (usd, metrics) => {
  expect(unitsFor(LIST_PRICES.prices.classicMetric, usd)).toBe(metrics)
})

test("the smaller of metrics and dollars is the cap", () => {
  expect(metricCap(1000, undefined, LIST_PRICES)).toBe(1000)
  expect(metricCap(1000, 30, LIST_PRICES)).toBe(100)
  expect(metricCap(50, 30, LIST_PRICES)).toBe(50)
  expect(metricCap(50, 30, priceTable({ region: "x", asOf: "2026", prices: { classicMetric: 0 } }))).toBe(50)
})

test("each price has a unit, a date and a source, and an open one costs nothing that could be told", () => {
  for (const key of PRICE_KEYS) {
    const price = LIST_PRICES.prices[key]
    expect(price.source).toMatch(/https:\/\//)
    expect(price.asOf).toMatch(/^20\d\d/)
    expect(price.unit).not.toBe("")
  }
  expect(dollars(LIST_PRICES.prices.otlpMetrics, 5)).toBeUndefined()
})

describe("own prices", () => {
  test("stand in place of the built-in ones, which stay for the rest", () => {
    const table = priceTable(
      pricesSchema.parse({
        region: "eu-west-1",
        asOf: "2026-11-01",
        prices: { logsStandard: 0.57, otlpMetrics: [{ upTo: 10, usd: 1 }, { usd: 0.5 }] },
      }),
    )
    expect(dollars(table.prices.logsStandard, 2)).toBeCloseTo(1.14)
    expect(dollars(table.prices.otlpMetrics, 12)).toBe(11)
    expect(table.prices.classicMetric).toBe(LIST_PRICES.prices.classicMetric)
    expect(table.region).toBe("eu-west-1")
  })
  test.each([
    { prices: { logs: 1 } },
    { prices: { spans: -1 } },
    { prices: { spans: [] } },
    { prices: { spans: [{ upTo: 5, usd: 1 }] } },
    { prices: { spans: [{ upTo: 5, usd: 1 }, { upTo: 3, usd: 1 }, { usd: 0 }] } },
    { asOf: "soon" },
  ])("%j is refused", (wrong) => {
    expect(pricesSchema.safeParse({ region: "x", asOf: "2026-11-01", prices: {}, ...wrong }).success).toBe(
      false,
    )
  })
})

const FLOW: Flow = {
  classic: { metrics: 100, idle: 5, cap: undefined, bytesPerSecond: 1000, requestsPerSecond: 1 / 60 },
  otlp: { series: 500, pointsPerSecond: 10, bytesPerSecond: 5000 },
  lines: { perSecond: 100, bytesPerLine: 700 },
  traces: { perSecond: 2, spansPerSecond: 8, bytesPerSpan: 900, sampling: 0.05, measured: false },
}

test("a month of a flow, each way", () => {
  const { ways } = estimate(FLOW, LIST_PRICES)
  const usd = Object.fromEntries(ways.map(({ key, usdMonth }) => [key, usdMonth]))
  // 730 hours: 2,628,000 s.
  expect(usd["emf"]).toBeCloseTo(100 * 0.3 + 2.628 * 0.5, 9)
  expect(usd["put-metric-data"]).toBeCloseTo(100 * 0.3 + (43_800 / 1000) * 0.01, 9)
  expect(usd["logs-standard"]).toBeCloseTo(2.628 * 70 * 0.5, 9)
  expect(usd["logs-infrequent-access"]).toBeCloseTo(2.628 * 70 * 0.25, 9)
  expect(usd["xray"]).toBeCloseTo(2.628 * 2 * 5, 9)
  expect(usd["otlp-metrics"]).toBeUndefined()
  expect(usd["otlp-spans"]).toBeUndefined()
  expect(costSentence(estimate(FLOW, LIST_PRICES))).toContain("emf $31.31 (100 metrics, 2.63 GB)")
})

const sample = (name: string, labels: Record<string, string>, value: number): Sample => ({
  name,
  labels: new Map(Object.entries(labels)),
  value,
})
const samples = (...list: readonly Sample[]): Samples =>
  new Map(list.map((one) => [JSON.stringify([one.name, ...one.labels]), one]))

const requests = (route: string, value: number, outcome = "ok") =>
  sample("mesh_requests_total", { ...routeLabels(route), outcome }, value)

test("what moved is counted, what did not is known, and a counter that fell began anew", () => {
  const before = samples(requests("a", 100), requests("b", 50), requests("c", 7))
  const after = samples(requests("a", 160), requests("a", 6, "error"), requests("b", 50), requests("c", 2))
  const { classic, traces, otlp } = flowOf(before, after, 60, OPTIONS)
  // a: requests and errors; c: requests. b has requests that did not move.
  expect(classic).toMatchObject({ metrics: 3, idle: 1 })
  expect(traces.perSecond).toBeCloseTo((68 / 60) * 0.05)
  expect(otlp.series).toBe(4)
  // What moves goes out each time, the rest with everything.
  expect(otlp.pointsPerSecond).toBeCloseTo(3 / 15 + 1 / 240)
  expect(flowOf(before, after, 60, { ...OPTIONS, cap: 1 }).classic).toMatchObject({ metrics: 1, cap: 1 })
})

test("the reckoned size of a document is near the size of the real one", () => {
  const { world, add, observe } = telling()
  for (let at = 0; at < 40; at++) {
    const labels = routeLabels(`color-route-${at}`, {
      virtual_service: `colors-${at}.prod.svc.cluster.local`,
    })
    add(labels, 100 + at)
    add({ ...labels, outcome: "error" }, 3)
    for (const seconds of [0.004, 0.007, 0.02, 0.04]) observe({ ...labels, outcome: "ok" }, seconds, 20 + at)
  }
  world.ledger.commit()
  const { classic } = flowOf(new Map(), ledgerSamples(world.ledger.snapshot), 60, OPTIONS)
  world.producer.tick()
  const { bytes, documents, points } = world.producer.counters
  expect(classic.metrics).toBe(points)
  const real = bytes + documents * LOG_EVENT_BYTES
  expect((classic.bytesPerSecond * 60) / real).toBeGreaterThan(0.9)
  expect((classic.bytesPerSecond * 60) / real).toBeLessThan(1.15)
})

test("longer names make larger documents and points", () => {
  const [set] = metricSets("meshscope")
  if (set === undefined) throw new Error("no set")
  expect(documentBytes(set, 100, set.metrics) - documentBytes(set, 0, set.metrics)).toBe(100)
  const labels = new Map([["route", "r"]])
  expect(pointBytes("m", labels, true)).toBeGreaterThan(pointBytes("m", labels, false))
})

test("a page of Prometheus's is read: histograms by their count, values with quotes and braces", () => {
  const page = [
    "# HELP mesh_requests_total Requests.",
    "# TYPE mesh_requests_total counter",
    String.raw`mesh_requests_total{mesh="m",route="a\"}b\\\n"} 5`,
    "# TYPE mesh_request_duration_seconds histogram",
    'mesh_request_duration_seconds_bucket{route="a",le="0.5"} 3',
    'mesh_request_duration_seconds_bucket{route="a",le="+Inf"} 4',
    'mesh_request_duration_seconds_sum{route="a"} 1.5',
    'mesh_request_duration_seconds_count{route="a"} 4',
    "# TYPE mesh_agent_series gauge",
    "mesh_agent_series 12 1760000000000",
    "not a line{",
    'broken{a="b} 1',
    "",
  ].join("\n")
  expect([...readPage(page).values()].map(({ name, labels, value }) => [name, [...labels], value])).toEqual([
    [
      "mesh_requests_total",
      [
        ["mesh", "m"],
        ["route", 'a"}b\\\n'],
      ],
      5,
    ],
    ["mesh_request_duration_seconds", [["route", "a"]], 4],
    ["mesh_agent_series", [], 12],
  ])
})

test("the agent says once, a while after its start, what a month costs", async () => {
  const { world, clock, add } = telling()
  const said: string[] = []
  const config = { flow: OPTIONS, prices: LIST_PRICES, afterMs: 60_000 }
  const lines = { logBytes: 0, linesRead: 0, linesAccounted: 0, spans: 0 }
  const deps = {
    snapshot: world.ledger.snapshot,
    // While it looks on, traffic comes.
    clock: {
      ...clock,
      sleep: async (ms: number) => {
        add(routeLabels("a"), 600)
        Object.assign(lines, { logBytes: 200_000, linesRead: 1000, linesAccounted: 600 })
        world.ledger.commit()
        await clock.sleep(ms)
      },
    },
    own: () => lines,
    say: (sentence: string) => void said.push(sentence),
  }
  await sayCost(config, deps, new AbortController().signal)
  expect(said).toHaveLength(1)
  // 10 lines/s of 200 + 250 + 26 bytes, for 730 hours.
  expect(said[0]).toContain("logs-standard $6.25 (12.51 GB)")
  expect(said[0]).toContain("emf $0.3")
  await sayCost(config, deps, AbortSignal.abort())
  expect(said).toHaveLength(1)
})

const pageOf = (counted: number, spans: number): Samples =>
  readPage(
    [
      ...["gateway", "source", "destination"].map(
        (reporter) => `mesh_requests_total{reporter="${reporter}"} ${counted}`,
      ),
      `mesh_agent_spans_total{intake="xray"} ${spans}`,
      "",
    ].join("\n"),
  )

const tracesOf = (spans: number, sampling: number | undefined) =>
  flowOf(pageOf(0, 0), pageOf(100, spans), 10, { ...OPTIONS, sampling }).traces

describe("the share of requests that are traced", () => {
  test("is that of the spans that came", () => {
    expect(tracesOf(60, undefined)).toMatchObject({
      perSecond: 2,
      spansPerSecond: 6,
      sampling: 0.2,
      measured: true,
    })
  })

  test("is never more than all, though each try has a span", () => {
    expect(tracesOf(450, undefined)).toMatchObject({ perSecond: 10, spansPerSecond: 45, sampling: 1 })
  })

  test("is App Mesh's own where none came, and what was said where something was", () => {
    expect(tracesOf(0, undefined)).toMatchObject({ sampling: 0.05, measured: false })
    expect(tracesOf(60, 0.5)).toMatchObject({ perSecond: 5, sampling: 0.5, measured: false })
  })
})
