import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { samplesOf } from "../../../demo/exposition.ts"
import { withLogs } from "../../../demo/logs.ts"
import { seeded } from "../../../demo/random.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import { targetsYaml } from "../../../demo/targets.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import type { DeclaredAccessLog, DeclaredMesh } from "../../../mesh/declared.ts"
import { declaredGauges } from "../../../mesh/declared-gauges.ts"
import { component } from "../../../scripts/components/component.ts"
import { falls, Prometheus } from "../prometheus/server.ts"
import { AgentProcess } from "../rig/agent-process.ts"
import { pageCounts } from "../rig/page-counts.ts"
import {
  HEALTH_CHECK_NAMES,
  REQUEST_NAMES,
  TCP_NAMES,
  truthConnections,
  truthHealthChecks,
  truthRequests,
} from "../rig/truth-counts.ts"
import { PageWatch } from "./page-watch.ts"
import { type RotatedLog, rotateByCopy, rotateByRename, rotatedFiles } from "./rotation.ts"

/**
 * Each line exactly once: the agent is killed again and again, logs rotate under it, requests go on. In the end its
 * counts are those of the truth, and nobody who read its page ever saw a number fall.
 */
const SEED = 20_261_120
const KILLS = 24
/** Kills that hit an agent at work; the others come while it still starts. */
const KILLED_AT_WORK = 20
const RENAMES = 5
const COPIES = 5
const RATE = 120
const FLUSH_MS = 200
const MODEL = join(import.meta.dirname, "../../../demo/yelb-extended.yaml")
/** They log into a file of their own, which can be renamed; the others to the container's output, as by default. */
const FILE_LOGGERS = new Set(["yelb-gateway_yelb", "yelb-ui-virtual-node"])

/** Counters and histograms of the mesh, which outlive the agent; its own numbers begin anew with its process. */
const KEPT = '{__name__=~"mesh_.+_(total|count|sum|bucket)",__name__!~"mesh_agent_.+"}'
/** Some of them, without which there would be little to look at. */
const AMONG_KEPT = [
  "mesh_requests_total",
  "mesh_request_failures_total",
  "mesh_request_duration_seconds_sum",
  "mesh_request_duration_seconds_bucket",
  "mesh_upstream_duration_seconds_count",
  "mesh_tcp_connections_closed_total",
]

let stage: Stage
let runDir: string
let agent: AgentProcess
let prometheus: Prometheus

beforeAll(async () => {
  runDir = await mkdtemp(join(tmpdir(), "meshscope-once-"))
  await mkdir(join(runDir, "log"))
  const { model } = parseKubernetesObjects(await readFile(MODEL, "utf8"), MODEL)
  stage = await startStage({
    model: { meshes: model.meshes.map(withOwnFiles) },
    placement: { "yelb-appserver-virtual-node": 2 },
    runDir,
    envoy: await envoyBinary(),
    flushMs: FLUSH_MS,
    seed: SEED,
    rate: RATE,
  })
  const targets = stage.fleet.proxies.map(({ name, admin, log, pod }) => ({
    name,
    admin,
    logs: FILE_LOGGERS.has(pod.resource) ? [log, ownFile(pod.resource)] : [log],
  }))
  await writeFile(stage.fleet.targetsFile, targetsYaml(targets))
  const listen = `127.${stage.fleet.base}.9.1:9464`
  agent = await AgentProcess.prepare(runDir, listen, {
    agent: { id: "once", state: join(runDir, "state") },
    discover: { static: { file: stage.fleet.targetsFile } },
    scrape: { interval: "2s", timeout: "1s" },
    logs: { poll: "100ms", start: "beginning" },
    model: { files: [MODEL] },
    commit: "1s",
  })
  prometheus = await Prometheus.start({
    binary: await component("prometheus"),
    folder: join(runDir, "prometheus"),
    listen: `127.${stage.fleet.base}.9.2:9090`,
    target: listen,
    intervalMs: 500,
  })
})

afterAll(async () => {
  await prometheus?.stop()
  await agent?.end("SIGKILL")
  await stage?.stop()
  await rm(runDir, { recursive: true, force: true })
})

const ownFile = (resource: string): string => join(runDir, "log", `${resource}.log`)

function placed<T extends { readonly name: string; readonly accessLog?: DeclaredAccessLog }>(of: T): T {
  return FILE_LOGGERS.has(of.name) ? { ...of, accessLog: { ...of.accessLog, path: ownFile(of.name) } } : of
}

function withOwnFiles(declared: DeclaredMesh): DeclaredMesh {
  const mesh = withLogs(declared, { "*": "json" })
  return {
    ...mesh,
    virtualNodes: mesh.virtualNodes.map(placed),
    virtualGateways: mesh.virtualGateways.map(placed),
  }
}

/**
 * Kills at seeded moments: all but a few from the agent's first page up to several commits later, those few while it
 * starts. How long a start takes is the machine's business, so the page is waited for.
 * @returns how many kills hit an agent that had served its page
 */
async function killAgain(): Promise<number> {
  const random = seeded(SEED)
  let atWork = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const starting = kill % Math.ceil(KILLS / (KILLS - KILLED_AT_WORK)) === 1
    const page = starting ? undefined : await agent.until((text) => text.includes("mesh_requests_total{"))
    await sleep(starting ? 200 + random() * 800 : random() ** 2 * 5500)
    if (page !== undefined && agent.running) atWork++
    await agent.end("SIGKILL")
    agent.start()
  }
  return atWork
}

async function rename(logs: readonly RotatedLog[]): Promise<void> {
  const random = seeded(SEED + 1)
  for (let round = 0; round < RENAMES; round++) {
    await sleep(2000 + random() * 6000)
    for (const [at, log] of logs.entries()) await rotateByRename(log, round * logs.length + at, random)
  }
}

async function copy(logs: readonly RotatedLog[]): Promise<void> {
  const random = seeded(SEED + 2)
  for (let round = 0; round < COPIES; round++) {
    await sleep(1500 + random() * 5000)
    for (const log of logs) await rotateByCopy(stage, log, FLUSH_MS)
  }
}

async function watch(pages: PageWatch, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const page = await agent.page()
    if (page !== undefined) pages.take(page)
    await sleep(150)
  }
}

test("kills and rotations cost no request, and no number ever falls", { timeout: 240_000 }, async () => {
  const proxies = stage.fleet.proxies.filter(
    ({ pod }) => pod.kind === "virtual_gateway" || pod.resource.startsWith("yelb-"),
  )
  const files = proxies
    .filter(({ pod }) => FILE_LOGGERS.has(pod.resource))
    .map(({ pod, admin }) => ({ path: ownFile(pod.resource), admin }))
  const outputs = proxies
    .filter(({ pod }) => pod.resource.startsWith("yelb-appserver"))
    .map(({ log, admin }) => ({ path: log, admin }))
  expect([files.length, outputs.length]).toEqual([2, 3])

  agent.start()
  // What is rotated away before an agent has ever committed is not its own: on a busy machine the first rename came first.
  await agent.until((page) => samplesOf(page, "mesh_proxy_up").length === stage.fleet.proxies.length)
  const pages = new PageWatch(declaredGauges(stage.fleet.mesh()).length)
  const [watched, loaded] = [new AbortController(), new AbortController()]
  const watching = watch(pages, watched.signal)
  const load = stage.run(1_000_000, loaded.signal)
  let atWork: number
  try {
    ;[atWork] = await Promise.all([killAgain(), rename(files), copy(outputs)])
  } finally {
    loaded.abort()
    await load
  }
  const truth = await stage.truth()
  expect(truth.undecided).toEqual([])
  expect(truth.sent).toBeGreaterThan(3000)
  const wanted = truthRequests(truth.requests)
  await expect
    .poll(async () => pageCounts((await agent.page()) ?? "", "mesh_requests_total", REQUEST_NAMES), {
      timeout: 20_000,
      interval: 500,
    })
    .toEqual(wanted)
  const page = (await agent.page()) ?? ""
  expect(pageCounts(page, "mesh_health_check_requests_total", HEALTH_CHECK_NAMES)).toEqual(
    truthHealthChecks(truth),
  )
  expect(pageCounts(page, "mesh_tcp_connections_closed_total", TCP_NAMES)).toEqual(truthConnections(truth))
  expect(pageCounts(page, "mesh_unmapped_requests_total", ["reason"])).toEqual({})
  watched.abort()
  await watching
  expect(pages.complaints).toEqual([])
  expect(pages.pages).toBeGreaterThan(100)

  // Nothing of this is true of a run in which little happened.
  const rotated = await Promise.all([...files, ...outputs].map(({ path }) => rotatedFiles(path)))
  expect(rotated).toEqual([...files.map(() => RENAMES), ...outputs.map(() => COPIES)])
  expect(atWork).toBeGreaterThanOrEqual(KILLED_AT_WORK)

  // What a Prometheus that scraped through all of it holds.
  await sleep(1500)
  const series = await prometheus.samples(KEPT)
  const names = new Set(series.map(({ metric }) => metric["__name__"] ?? ""))
  expect(AMONG_KEPT.filter((name) => !names.has(name))).toEqual([])
  expect(falls(series)).toEqual([])
  for (const name of names)
    expect(await prometheus.query(`resets(${name}[1h]) > 0`), `${name} was reset`).toEqual([])
  const kept = await prometheus.query("sum by (reporter) (mesh_requests_total)")
  const sums = Object.fromEntries(
    kept.map(({ metric, samples }) => [metric["reporter"], samples.at(-1)?.[1]]),
  )
  const counts = { gateway: 0, source: 0, destination: 0 }
  for (const { reporter, count } of truth.requests) counts[reporter] += count
  expect(sums).toEqual(counts)
})
