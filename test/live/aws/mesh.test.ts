import { isDeepStrictEqual } from "node:util"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { Truth } from "../../../demo/truth.ts"
import { type FakeAws, startFakeAws } from "../../fake/aws/fake-aws.ts"
import { freePort } from "../rig/free-port.ts"
import { truthRequests } from "../rig/truth-counts.ts"
import { RunningCommand } from "../robust/command.ts"
import { bucketsApart, DEFAULT_SETS, dimensionsOf, ledgerByEmf, toldByEmf } from "./classic.ts"
import { metricsByWay } from "./cost-table.ts"
import { difference, NO_DIFFERENCE } from "./difference.ts"
import {
  accessEvents,
  type EnvoyLine,
  envoyLines,
  eventLabels,
  eventRequests,
  eventWords,
  isCounted,
  isLeftOut,
  isRequest,
  lineWords,
  text,
} from "./lines.ts"
import { allOf, exportedBy, heldBy, ledgerOf, sample } from "./page.ts"
import { toldByOtlp } from "./points.ts"
import { type AwsStand, startAwsStand } from "./stand.ts"
import { expectedWords, familyTrouble, routeOfTracer, segmentsOf } from "./traces.ts"

/** All of AWS from one mesh: real Envoys with X-Ray tracers, the agent as its own process, and the strict fake of AWS. */
const HOST = "127.0.0.1"
const REQUESTS = 1500
/** The load ends well before the command that looks on does, however slow the machine. */
const LOAD_MS = 13_000
const LOOK = "18s"

/** The way of a request that goes through all. */
const WHOLE = ["yelb-gateway_yelb", "yelb-ui-virtual-node", "yelb-appserver-virtual-node"]

let fake: FakeAws
let stand: AwsStand
let truth: Truth
let lines: readonly EnvoyLine[]
/** The agent's page when all was sent, and nothing moved any more. */
let page: string
/** What the fake of AWS held then, by sink. */
let held: Readonly<Record<string, number>>
let cost: string
let exitCode: number | null

beforeAll(async () => {
  fake = await startFakeAws()
  const port = await freePort()
  stand = await startAwsStand({
    seed: 11,
    // Five spans each by UDP, which the kernel keeps for a third of a second at most while the agent has no time.
    rate: 120,
    tracers: { "*": { kind: "xray", host: HOST, port, samplingRate: 1 } },
    config: {
      receive: { xray: { udp: `${HOST}:${port}`, tcp: `${HOST}:0` } },
      publish: {
        cloudwatchLogs: {},
        cloudwatchMetrics: { interval: "10s" },
        cloudwatchOtlp: { interval: "10s" },
        xray: {},
      },
    },
  })
  stand.start(fake.env)
  await stand.ready()
  const looking = new RunningCommand(["cost", "--agent", stand.agent.metricsUrl, "--for", LOOK])
  await stand.stage.run(REQUESTS, AbortSignal.timeout(LOAD_MS))
  truth = await stand.stage.truth()
  cost = (await looking.ended).out
  lines = await envoyLines(stand.stage.fleet)
  page = await stand.agent.until((now) => {
    held = heldBy(fake)
    const sinks = Object.entries(held)
    const all = sample(now, "mesh_agent_lines_read_total", { kind: "access" }) === lines.length
    return all && sinks.every(([sink, records]) => isDeepStrictEqual(exportedBy(now, sink), allOf(records)))
  })
  exitCode = await stand.agent.end("SIGTERM")
})

afterAll(async () => {
  await stand?.stop()
  await fake?.stop()
})

test("there is enough to tell, and the agent ended well", () => {
  expect(truth.undecided).toEqual([])
  expect(truth.sent).toBeGreaterThan(400)
  expect(exitCode).toBe(0)
})

describe("CloudWatch Logs", () => {
  test("every access line is one event, once, with its trace; health checks that went well are left out", () => {
    const sent = lines.filter((line) => !isLeftOut(line))
    expect(difference(accessEvents(fake).map(eventWords), sent.map(lineWords))).toEqual(NO_DIFFERENCE)
    const leftOut = { sink: "cloudwatchLogs", reason: "health_check" }
    expect(sample(page, "mesh_agent_export_left_out_total", leftOut)).toBe(lines.length - sent.length)
    expect(lines.length - sent.length).toBeGreaterThan(0)
  })

  test("events say of route, outcome and reporter what happened", () => {
    expect(eventRequests(accessEvents(fake))).toEqual(truthRequests(truth.requests))
  })
})

describe("X-Ray", () => {
  test("each request at a proxy is one segment with the names, route, flags and end that its line tells", () => {
    const segments = segmentsOf(fake)
    expect(segments).toHaveLength(lines.filter(isRequest).length)
    expect(fake.xray.duplicates).toBe(0)
    expect(fake.xray.remarks).toEqual([])
    // Health checks that went well have no event.
    const told = accessEvents(fake).filter((event) => event["protocol"] !== "tcp")
    const traced = new Set(told.map((event) => text(event["trace_id"])))
    const seen = segments.filter(({ traceId }) => traced.has(traceId))
    const words = seen.map((segment) => segment.words)
    expect(
      difference(
        words,
        told.map((event) => expectedWords(event, routeOfTracer)),
      ),
    ).toEqual(NO_DIFFERENCE)
  })

  test("one request is one trace: callers above callees, gateways named as such", () => {
    const segments = segmentsOf(fake)
    expect(familyTrouble(segments)).toEqual([])
    const roots = segments.filter(({ parentId }) => parentId === "").map(({ traceId }) => traceId)
    expect(roots.toSorted()).toEqual(fake.xray.traceIds.toSorted())
    expect(fake.xray.traceIds).toHaveLength(truth.sent)
    const traces = Map.groupBy(segments, ({ traceId }) => traceId)
    const places = [...traces.values()].map(
      (trace) => new Set(trace.map(({ appMesh }) => appMesh["virtual_node_name"])),
    )
    const whole = places.filter((seen) => WHOLE.every((place) => seen.has(place)))
    expect(whole.length).toBeGreaterThan(50)
  })
})

describe("CloudWatch metrics", () => {
  test("what was taken out of documents equals the ledger", () => {
    expect(toldByEmf(fake)).toEqual(ledgerByEmf(page, DEFAULT_SETS))
    expect([...fake.metrics.emfErrors]).toEqual([])
  })

  test.for([50, 90, 99])("p%i lies in the bucket of the lines' own percentile, or beside it", (percent) => {
    for (const set of DEFAULT_SETS) {
      const durations = Map.groupBy(
        accessEvents(fake).filter((event) => isCounted(event) && event["reporter"] === set.reporter),
        (event) => JSON.stringify(dimensionsOf(eventLabels(event), set)),
      )
      expect(durations.size).toBeGreaterThan(1)
      for (const [dimensions, events] of durations) {
        const query = { namespace: "Meshscope", name: "duration", dimensions: JSON.parse(dimensions) }
        const told = fake.metrics.percentile(query, percent) ?? Number.NaN
        const seconds = events.map(({ duration_ms: ms }) => Number(ms) / 1000)
        const apart = bucketsApart(told, seconds, percent)
        expect({ dimensions, near: apart <= 1 }).toEqual({ dimensions, near: true })
      }
    }
  })

  test("by OTLP the newest values of the whole catalogue equal the ledger", () => {
    const told = toldByOtlp(fake)
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(ledgerOf(page)))
  })
})

test("`meshscope cost` counts as many metrics as were told", () => {
  const series = new Set(
    fake.otlp.points.map(({ metric, attributes }) => JSON.stringify([metric, attributes])),
  )
  const classic = fake.metrics.series.length
  expect(metricsByWay(cost)).toEqual({
    "Metrics: embedded metric format": classic,
    "Metrics: PutMetricData, to compare": classic,
    "Metrics: OTLP, the whole catalogue": series.size,
  })
})

test("what the agent says it delivered is what came, and nothing was given up", () => {
  const requests = lines.filter(isRequest).length
  expect(held).toMatchObject({ cloudwatchLogs: accessEvents(fake).length, xray: requests })
  for (const [sink, records] of Object.entries(held)) expect(exportedBy(page, sink)).toEqual(allOf(records))
  expect(sample(page, "mesh_agent_spans_total", { intake: "xray" })).toBe(requests)
  expect(sample(page, "mesh_agent_intake_requests_total", { intake: "xray-udp" })).toBe(requests)
  expect(sample(page, "mesh_agent_dropped_total")).toBe(0)
  const told = fake.xray.telemetry.map(({ SegmentsSentCount: sent }) => Number(sent))
  expect(told.reduce((sum, sent) => sum + sent, 0)).toBe(requests)
  // A group is made where it is found missing.
  const refused = fake.requests
    .filter(({ status }) => status !== 200)
    .map(({ api, code }) => `${api} ${code}`)
  expect(refused.toSorted()).toEqual([
    "logs:CreateLogStream ResourceNotFoundException",
    "logs:CreateLogStream ResourceNotFoundException",
    "logs:PutLogEvents ResourceNotFoundException",
    "logs:PutLogEvents ResourceNotFoundException",
  ])
})
