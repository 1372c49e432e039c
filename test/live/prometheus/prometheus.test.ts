import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { samplesOf } from "../../../demo/exposition.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import type { Truth } from "../../../demo/truth.ts"
import { COMMON_LABELS, METRICS, type Metric } from "../../../mesh/catalogue.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import { component } from "../../../scripts/components/component.ts"
import { AgentProcess } from "../rig/agent-process.ts"
import { type Counts, keyText } from "../rig/counts.ts"
import { pageCounts } from "../rig/page-counts.ts"
import { REQUEST_NAMES, truthRequests } from "../rig/truth-counts.ts"
import { Relay } from "./relay.ts"
import { Prometheus } from "./server.ts"

/** The page of a real agent as Prometheus's own programs read it: the oldest that we promise, and the strict new one. */
const SEED = 11
const FIRST = 700
const SECOND = 1300
const STILL_MS = 1500
const MODEL = join(import.meta.dirname, "../../../demo/yelb-extended.yaml")
const CATALOGUE = new Map<string, Metric>(Object.values(METRICS).map((metric) => [metric.name, metric]))
const VERSIONS = ["prometheus", "prometheus-3"] as const

let stage: Stage
let runDir: string
let agent: AgentProcess
/** By version. */
const servers = new Map<string, { readonly relay: Relay; readonly prometheus: Prometheus }>()
/** What was true before and after the second part of the run, and when (seconds) every scraper had seen the first. */
const runs: { first: Truth; firstAt: number; second: Truth; secondAt: number; page: string } = {
  first: noTruth(),
  firstAt: 0,
  second: noTruth(),
  secondAt: 0,
  page: "",
}

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

function noTruth(): Truth {
  return { mesh: "", sent: 0, requests: [], healthChecks: [], tcp: [], undecided: [] }
}

/** Waits until every Prometheus scrapes, which begins seconds after it is ready: what comes before, nobody could see. */
async function scraping(): Promise<void> {
  for (const { prometheus } of servers.values()) {
    await expect
      .poll(async () => (await prometheus.query("up")).length, { timeout: 20_000, interval: 200 })
      .toBe(1)
  }
}

/** Waits until every Prometheus holds the truth. @returns a time at which all did */
async function allSeen(truth: Truth): Promise<number> {
  const wanted = truthRequests(truth.requests)
  for (const { prometheus } of servers.values()) {
    await expect
      .poll(() => counts(prometheus, "mesh_requests_total"), { timeout: 20_000, interval: 500 })
      .toEqual(wanted)
  }
  // One more scrape on each side of the moment that is answered holds the same values.
  await sleep(STILL_MS)
  const at = Date.now() / 1000
  await sleep(STILL_MS)
  return at
}

/** An instant query's values by the labels of a request, without zeros. */
async function counts(prometheus: Prometheus, query: string, time?: number): Promise<Counts> {
  const sums: Counts = {}
  for (const { metric, samples } of await prometheus.query(query, time)) {
    const key = keyText(metric, REQUEST_NAMES)
    sums[key] = (sums[key] ?? 0) + (samples.at(-1)?.[1] ?? 0)
  }
  return Object.fromEntries(Object.entries(sums).filter(([, value]) => value !== 0))
}

const total = (of: Counts): number => Object.values(of).reduce((sum, value) => sum + value, 0)

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

/** What `promtool check metrics` says of a page. */
async function promtool(name: "promtool" | "promtool-3", page: string): Promise<readonly string[]> {
  const child = spawn(await component(name), ["check", "metrics"], { stdio: ["pipe", "ignore", "pipe"] })
  let said = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text))
  child.stdin.end(page)
  await once(child, "close")
  return said.split("\n").filter((line) => line !== "")
}

test("a planned run is told to the request", async () => {
  await scraping()
  await stage.run(FIRST)
  runs.first = await stage.truth()
  runs.firstAt = await allSeen(runs.first)
  await stage.run(SECOND)
  runs.second = await stage.truth()
  runs.secondAt = await allSeen(runs.second)
  runs.page = (await agent.page()) ?? ""
  expect(runs.second.sent).toBe(FIRST + SECOND)
  expect(runs.second.undecided).toEqual([])
  const wanted = truthRequests(runs.second.requests)
  expect(pageCounts(runs.page, "mesh_requests_total", REQUEST_NAMES)).toEqual(wanted)
})

describe("the page", () => {
  test.for(["promtool", "promtool-3"] as const)("%s has nothing to complain of", async (name) => {
    const complaints = await promtool(name, runs.page)
    // Names of Node's own metrics break its rules of style; what cannot be read would be told otherwise.
    expect(complaints.filter((line) => !/^(?:nodejs|process)_/.test(line))).toEqual([])
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

  test("series that it knew before grow by just what happened, and increase() says so but for its extrapolation", async () => {
    const { prometheus } = running(version)
    const { firstAt, secondAt } = runs
    const [before, after] = [truthRequests(runs.first.requests), truthRequests(runs.second.requests)]
    const grown = Object.keys(before).flatMap((key) => {
      const more = (after[key] ?? 0) - (before[key] ?? 0)
      return more === 0 ? [] : [[key, more] as const]
    })
    expect(grown.length).toBeGreaterThan(50)
    const at = secondAt.toFixed(3)
    const exact = `mesh_requests_total @ ${at} - mesh_requests_total @ ${firstAt.toFixed(3)}`
    expect(await counts(prometheus, exact)).toEqual(Object.fromEntries(grown))
    const window = Math.ceil(secondAt - firstAt)
    const increase = await counts(prometheus, `increase(mesh_requests_total[${window}s] @ ${at})`)
    // It stretches what lies between the first and the last sample over the whole window.
    const most = window / (window - 2)
    const far = grown.filter(([key, more]) => {
      const ratio = (increase[key] ?? 0) / more
      return ratio < 0.999 || ratio > most
    })
    expect(far).toEqual([])
  })

  test("increase() from the first request on misses what each series began with, and no more", async ({
    annotate,
  }) => {
    const { prometheus } = running(version)
    const series = await prometheus.samples("mesh_requests_total")
    const requests = total(truthRequests(runs.second.requests))
    const missed = series.reduce((sum, { samples }) => sum + (samples[0]?.[1] ?? 0), 0)
    const told = series.reduce(
      (sum, { samples }) => sum + (samples.at(-1)?.[1] ?? 0) - (samples[0]?.[1] ?? 0),
      0,
    )
    expect(told + missed).toBe(requests)
    expect(missed).toBeLessThan(requests / 4)
    await annotate(
      `increase() does not see ${missed} of ${requests} requests, in ${series.length} series that began with them`,
    )
  })

  test("shows exemplars with trace ids that the load sent", async () => {
    const { prometheus } = running(version)
    const series = await prometheus.exemplars("mesh_request_duration_seconds_bucket")
    const traces = series.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels["trace_id"] ?? ""))
    expect(traces.length).toBeGreaterThan(10)
    for (const trace of traces) {
      expect(trace).toMatch(/^[0-9a-f]{32}$/)
      expect(Number.parseInt(trace.slice(0, 8), 16)).toBe(SEED)
      expect(Number.parseInt(trace.slice(8), 16)).toBeLessThanOrEqual(FIRST + SECOND)
    }
  })
})
