import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { samplesOf } from "../../../demo/exposition.ts"
import type { Scenario } from "../../../demo/scenarios.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import type { Truth } from "../../../demo/truth.ts"
import { COMMON_LABELS, METRICS, type Metric } from "../../../mesh/catalogue.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import { component } from "../../../scripts/components/component.ts"
import { AgentProcess } from "../rig/agent-process.ts"
import { type Counts, countsOf } from "../rig/counts.ts"
import { pageCounts } from "../rig/page-counts.ts"
import { REQUEST_NAMES, truthBy, truthRequests } from "../rig/truth-counts.ts"
import { checkMetrics } from "./promtool.ts"
import { Relay } from "./relay.ts"
import { counts, scrapesUpTo, scraping, seen, spanMs } from "./scraped.ts"
import { Prometheus, type PromSeries } from "./server.ts"

/** The page of a real agent as Prometheus's own programs read it: the oldest that we promise, and the strict new one. */
const SEED = 11
const FIRST = 700
const SECOND = 1300
const STILL_MS = 1500
/** What happens to a route that had only good answers. */
const FAILURES = 3
const FAILING_ROUTE = "canary"
const FAILING: Scenario = {
  name: "canary-error",
  // So much that nothing else is sent while it is in force.
  weights: { all: 1e15, everyday: 0 },
  make: () => ({ path: "/api/api/ihop", canary: true, behaviours: { "yelb-appserver": { status: 500 } } }),
}
const MODEL = join(import.meta.dirname, "../../../demo/yelb-extended.yaml")
const CATALOGUE = new Map<string, Metric>(Object.values(METRICS).map((metric) => [metric.name, metric]))
const VERSIONS = ["prometheus", "prometheus-3"] as const

let stage: Stage
let runDir: string
let agent: AgentProcess
/** By version. */
const servers = new Map<string, { readonly relay: Relay; readonly prometheus: Prometheus }>()
/** What was true after each part of the run, and when (seconds) every scraper had seen it. The last one is the failing. */
const runs = { first: noPart(), second: noPart(), failing: noPart(), page: "" }

beforeAll(async () => {
  runDir = await mkdtemp(join(tmpdir(), "meshscope-prometheus-"))
  const { model } = parseKubernetesObjects(await readFile(MODEL, "utf8"), MODEL)
  stage = await startStage({
    model,
    runDir,
    logs: { "*": "json" },
    envoy: await envoyBinary(),
    flushMs: 200,
    seed: SEED,
    rate: 150,
  })
  const net = `127.${stage.fleet.base}.9`
  agent = await AgentProcess.prepare(runDir, `${net}.1:9464`, {
    agent: { id: "prometheus", state: join(runDir, "state"), cluster: "eu-1" },
    discover: { static: { file: stage.fleet.targetsFile } },
    scrape: { interval: "1s", timeout: "1s" },
    logs: { poll: "100ms", start: "beginning" },
    model: { files: [MODEL] },
    commit: "500ms",
  })
  agent.start()
  await agent.until((page) => samplesOf(page, "mesh_proxy_up").length === stage.fleet.proxies.length)
  for (const [at, version] of VERSIONS.entries()) {
    const host = `${net}.${10 + at}`
    const relay = await Relay.start({ host, port: 9464 }, agent.metricsUrl)
    const prometheus = await Prometheus.start({
      binary: await component(version),
      folder: join(runDir, version),
      listen: `${host}:9090`,
      target: `${host}:9464`,
      intervalMs: 1000,
      features: ["exemplar-storage"],
    })
    servers.set(version, { relay, prometheus })
  }
})

afterAll(async () => {
  for (const { relay, prometheus } of servers.values()) {
    await prometheus.stop()
    relay.close()
  }
  await agent?.end("SIGKILL")
  await stage?.stop()
  await rm(runDir, { recursive: true, force: true })
})

interface Part {
  readonly truth: Truth
  readonly at: number
}

function noPart(): Part {
  return {
    truth: { mesh: "", sent: 0, requests: [], attempts: [], healthChecks: [], tcp: [], undecided: [] },
    at: 0,
  }
}

async function runPart(count: number): Promise<Part> {
  await stage.run(count)
  const truth = await stage.truth()
  return { truth, at: await allSeen(truth) }
}

/** Waits until every Prometheus holds the truth. @returns a time at which all did */
async function allSeen(truth: Truth): Promise<number> {
  const wanted = truthRequests(truth.requests)
  for (const { prometheus } of servers.values()) await seen(prometheus, wanted)
  // One more scrape on each side of the moment that is answered holds the same values.
  await sleep(STILL_MS)
  const at = Date.now() / 1000
  await sleep(STILL_MS)
  return at
}

const total = (of: Counts): number => Object.values(of).reduce((sum, value) => sum + value, 0)

/** What came to pass between two counts, without zeros. */
const less = (after: Counts, before: Counts): Counts =>
  Object.fromEntries(
    Object.entries(after)
      .map(([key, value]) => [key, value - (before[key] ?? 0)] as const)
      .filter(([, more]) => more !== 0),
  )

/** Last less first. */
const grown = (series: readonly PromSeries[]): Counts =>
  countsOf(
    series.map(
      ({ metric, samples }) => [metric, (samples.at(-1)?.[1] ?? 0) - (samples[0]?.[1] ?? 0)] as const,
    ),
    REQUEST_NAMES,
  )

/**
 * What increase() makes of raw samples within a range of `spanMs`, `from` a scrape on: it stretches what it sees to the
 * beginning of the range, but not beyond where the counter was 0. https://github.com/prometheus/prometheus/blob/v2.42.0/promql/functions.go
 */
function stretched(samples: PromSeries["samples"], from: number): number {
  const [first, last] = [samples[0] ?? [0, 0], samples.at(-1) ?? [0, 0]]
  const [more, seenMs] = [last[1] - first[1], spanMs(first[0], last[0]) - 1]
  if (more === 0) return 0
  const gapMs = Math.min(spanMs(from, first[0]), (seenMs * first[1]) / more)
  return (more * (seenMs + gapMs)) / seenMs
}

function running(version: string): { readonly relay: Relay; readonly prometheus: Prometheus } {
  const server = servers.get(version)
  if (server === undefined) throw new Error(`${version} does not run`)
  return server
}

/** What of a family on the page is not as the catalogue has it. */
function oddities(page: string, name: string, type: string): readonly string[] {
  const metric = CATALOGUE.get(name)
  if (metric === undefined) return [`${name} is not in the catalogue`]
  const odd: string[] = []
  if (metric.type !== type) odd.push(`${name} is a ${type}`)
  if (!page.includes(`# HELP ${name} ${metric.help}\n`)) odd.push(`${name} has another help`)
  const allowed = new Set<string>([...COMMON_LABELS, ...metric.labels])
  for (const part of type === "histogram" ? ["_bucket", "_sum", "_count"] : [""]) {
    const samples = samplesOf(page, `${name}${part}`)
    if (samples.length === 0) odd.push(`${name}${part} has no sample`)
    for (const { labels } of samples) {
      const names = Object.keys(labels).filter((label) => !(part === "_bucket" && label === "le"))
      odd.push(...names.filter((label) => !allowed.has(label)).map((label) => `${name} has label ${label}`))
      if (labels["cluster"] !== "eu-1") odd.push(`${name} is without cluster`)
    }
  }
  return odd
}

test("a planned run is told to the request", async () => {
  for (const { prometheus } of servers.values()) await scraping(prometheus)
  runs.first = await runPart(FIRST)
  runs.second = await runPart(SECOND)
  await stage.change({ extra: [FAILING] })
  runs.failing = await runPart(FAILURES)
  runs.page = (await agent.page()) ?? ""
  const { truth } = runs.failing
  expect(truth.sent).toBe(FIRST + SECOND + FAILURES)
  expect(truth.undecided).toEqual([])
  const wanted = truthRequests(truth.requests)
  expect(pageCounts(runs.page, "mesh_requests_total", REQUEST_NAMES)).toEqual(wanted)
})

describe("the page", () => {
  test.for(["promtool", "promtool-3"] as const)("%s has nothing to complain of", async (name) => {
    expect(await checkMetrics(name, runs.page)).toEqual({ code: 0, said: "" })
  })

  test("names, types, help and labels are those of the catalogue", () => {
    const families = [...runs.page.matchAll(/^# TYPE (mesh_(?!agent_)\w+) (\w+)$/gm)]
    expect(families.length).toBeGreaterThan(15)
    expect(families.flatMap(([, name = "", type = ""]) => oddities(runs.page, name, type))).toEqual([])
  })
})

describe.for(VERSIONS)("%s", (version) => {
  test("scrapes without a failure, in OpenMetrics and packed", async () => {
    const { prometheus, relay } = running(version)
    const [up] = await prometheus.samples("up")
    expect(up?.samples.length).toBeGreaterThan(10)
    expect(up?.samples.filter(([, value]) => value !== 1)).toEqual([])
    expect(await prometheus.target()).toMatchObject({ health: "up", lastError: "" })
    for (const { accept, contentType, encoding, status } of relay.scrapes) {
      expect(accept).toContain("application/openmetrics-text;version=1.0.0")
      expect([status, contentType, encoding]).toEqual([
        200,
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "gzip",
      ])
    }
  })

  test("takes every series of the page, with its type and help", async () => {
    const { prometheus } = running(version)
    const lines = runs.page.split("\n").filter((line) => line.startsWith("mesh_")).length
    const [taken] = await prometheus.query('count({__name__=~"mesh_.+"})')
    expect(taken?.samples.at(-1)?.[1]).toBe(lines)
    const metadata = await prometheus.metadata()
    const names = [...runs.page.matchAll(/^# TYPE (mesh_(?!agent_)\w+) /gm)].map(([, name = ""]) => name)
    const told = names.map((name) => [name, metadata[name] ?? metadata[name.replace(/_total$/, "")]])
    const wanted = names.map((name) => {
      const metric = CATALOGUE.get(name)
      const unit = /_(seconds|bytes)(?:_total)?$/.exec(name)?.[1] ?? ""
      return [name, [{ type: metric?.type, help: metric?.help, unit }]]
    })
    expect(told).toEqual(wanted)
  })

  test("every series begins with 0, so last less first is the truth from the first request on", async () => {
    const { prometheus } = running(version)
    const series = await prometheus.samples("mesh_requests_total")
    expect(series.length).toBeGreaterThan(50)
    expect(series.filter(({ samples }) => samples[0]?.[1] !== 0)).toEqual([])
    expect(grown(series)).toEqual(truthRequests(runs.failing.truth.requests))
  })

  test("so do histograms: the increase of each bucket is what is in it", async () => {
    const { prometheus } = running(version)
    const [from, to] = await scrapesUpTo(prometheus, runs.failing.at)
    const range = `${spanMs(from, to)}ms`
    for (const name of ["mesh_request_duration_seconds_bucket", "mesh_request_duration_seconds_count"]) {
      const labels = [...REQUEST_NAMES, "le"]
      const increase = await counts(prometheus, `increase(${name}[${range}] @ ${to.toFixed(3)})`, labels)
      expect(total(increase)).toBeGreaterThan(FIRST + SECOND)
      expect(increase).toEqual(await counts(prometheus, `${name} @ ${to.toFixed(3)}`, labels))
    }
  })

  test("increase() by route, outcome and reporter is the truth from the first request on", async () => {
    const { prometheus } = running(version)
    const [from, to] = await scrapesUpTo(prometheus, runs.failing.at)
    const names = ["reporter", "route", "outcome"]
    const increase = `increase(mesh_requests_total[${spanMs(from, to)}ms] @ ${to.toFixed(3)})`
    const told = await counts(prometheus, `sum by (${names.join(", ")}) (${increase})`, names)
    expect(told).toEqual(truthBy(runs.failing.truth.requests, names))
  })

  test("from one scrape to another, old and new series grow by just what happened", async () => {
    const { prometheus } = running(version)
    const { first, failing } = runs
    const [, from] = await scrapesUpTo(prometheus, first.at)
    const [, to] = await scrapesUpTo(prometheus, failing.at)
    const more = less(truthRequests(failing.truth.requests), truthRequests(first.truth.requests))
    const range = `mesh_requests_total[${spanMs(from, to)}ms]`
    const series = await prometheus.query(`${range} @ ${to.toFixed(3)}`)
    expect(grown(series)).toEqual(more)
    const expected = countsOf(
      series.map(({ metric, samples }) => [metric, stretched(samples, from)] as const),
      REQUEST_NAMES,
    )
    const old = Object.keys(more).filter((key) => key in truthRequests(first.truth.requests))
    expect(old.length).toBeGreaterThan(50)
    expect(Object.keys(more).length).toBeGreaterThan(old.length)
    const increase = await counts(prometheus, `increase(${range} @ ${to.toFixed(3)})`)
    expect(Object.keys(increase).toSorted()).toEqual(Object.keys(more).toSorted())
    const off = Object.entries(increase).filter(([key, value]) => {
      return Math.abs(value / (expected[key] ?? NaN) - 1) > 1e-9
    })
    expect(off).toEqual([])
  })

  test("a route that never failed and then fails is seen by an alert, to the request", async () => {
    const { prometheus } = running(version)
    const failed = `mesh_requests_total{reporter="source", route="${FAILING_ROUTE}", outcome="error"}`
    const before = truthBy(runs.second.truth.requests, ["reporter", "route", "outcome"])
    expect(before[`reporter=source route=${FAILING_ROUTE} outcome=ok`]).toBeGreaterThan(10)
    expect(before[`reporter=source route=${FAILING_ROUTE} outcome=error`]).toBeUndefined()
    const [, to] = await scrapesUpTo(prometheus, runs.failing.at)
    // As rules ask, which knows nothing of when scrapes are.
    const asked = await prometheus.query(`sum by (route) (increase(${failed}[1m]))`, runs.failing.at)
    expect(asked.map(({ samples }) => (samples[0]?.[1] ?? 0) > 0)).toEqual([true])
    const told = await prometheus.query(`sum by (route) (increase(${failed}[1m] @ ${to.toFixed(3)}))`)
    expect(told.map(({ metric, samples }) => [metric["route"], samples[0]?.[1]])).toEqual([
      [FAILING_ROUTE, FAILURES],
    ])
  })

  test("shows exemplars with trace ids that the load sent", async () => {
    const { prometheus } = running(version)
    const series = await prometheus.exemplars("mesh_request_duration_seconds_bucket")
    const traces = series.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels["trace_id"] ?? ""))
    expect(traces.length).toBeGreaterThan(10)
    for (const trace of traces) {
      expect(trace).toMatch(/^[0-9a-f]{32}$/)
      expect(Number.parseInt(trace.slice(0, 8), 16)).toBe(SEED)
      expect(Number.parseInt(trace.slice(8), 16)).toBeLessThanOrEqual(FIRST + SECOND + FAILURES)
    }
  })
})
