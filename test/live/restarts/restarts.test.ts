import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { samplesOf } from "../../../demo/exposition.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import type { Truth } from "../../../demo/truth.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import { component } from "../../../scripts/components/component.ts"
import { falls, Prometheus } from "../prometheus/server.ts"
import { AgentProcess } from "../rig/agent-process.ts"
import type { Counts } from "../rig/counts.ts"
import { pageCounts, pageTotal } from "../rig/page-counts.ts"
import { TCP_NAMES, truthConnections } from "../rig/truth-counts.ts"
import { runGood } from "./good-load.ts"

/**
 * An Envoy that begins anew counts from zero; the mesh's counters go on. Restarts while nothing is under way and a
 * scrape saw all cost nothing; what no scrape saw is lost to stats, and to stats alone.
 */
const SEED = 5
const RATE = 120
const STEP = 100
/** The agent scrapes each second: after this all is seen, and all lines are flushed. */
const SEEN_MS = 3000
/** Good requests that pay back what stats owe after one step: a few answers of each target. */
const REPAID = 80
const MODEL = join(import.meta.dirname, "../../../demo/yelb-extended.yaml")

type How = "SIGTERM" | "SIGKILL" | "while the agent is away"
const RESTARTS: readonly (readonly [proxy: string, how: How])[] = [
  ["yelb-gateway_yelb-0", "SIGTERM"],
  ["yelb-ui-virtual-node-0", "SIGKILL"],
  ["yelb-ui-virtual-node-0", "while the agent is away"],
  ["yelb-appserver-virtual-node-0", "SIGKILL"],
]

describe.for(["none", "json"] as const)("access logs: %s", (logs) => {
  let stage: Stage
  let runDir: string
  let agent: AgentProcess
  let prometheus: Prometheus

  beforeAll(async () => {
    runDir = await mkdtemp(join(tmpdir(), "meshscope-restarts-"))
    const { model } = parseKubernetesObjects(await readFile(MODEL, "utf8"), MODEL)
    stage = await startStage({
      model,
      runDir,
      logs: { "*": logs },
      envoy: await envoyBinary(),
      flushMs: 200,
      seed: SEED,
      rate: RATE,
    })
    const net = `127.${stage.fleet.base}.9`
    agent = await AgentProcess.prepare(runDir, `${net}.1:9464`, {
      agent: { id: "restarts", state: join(runDir, "state") },
      discover: { static: { file: stage.fleet.targetsFile } },
      scrape: { interval: "1s", timeout: "1s" },
      logs: { poll: "100ms", start: "beginning" },
      model: { files: [MODEL] },
      commit: "500ms",
    })
    agent.start()
    await agent.until(allUp)
    prometheus = await Prometheus.start({
      binary: await component("prometheus"),
      folder: join(runDir, "prometheus"),
      listen: `${net}.2:9090`,
      target: `${net}.1:9464`,
      intervalMs: 500,
    })
  })

  afterAll(async () => {
    await prometheus?.stop()
    await agent?.end("SIGKILL")
    await stage?.stop()
    await rm(runDir, { recursive: true, force: true })
  })

  const allUp = (page: string): boolean =>
    samplesOf(page, "mesh_proxy_up").filter(({ count }) => count === 1).length === stage.fleet.proxies.length

  const restart = async (proxy: string, how: How): Promise<void> => {
    if (how === "SIGKILL") stage.fleet.kill(proxy, "SIGKILL")
    if (how === "while the agent is away") await agent.end("SIGKILL")
    await stage.fleet.restart(proxy)
    if (!agent.running) agent.start()
  }

  const told = async (): Promise<Counts> => {
    const page = (await agent.page()) ?? ""
    return {
      ...pageCounts(page, "mesh_requests_total", ["reporter"]),
      ...pageCounts(page, "mesh_tcp_connections_opened_total", TCP_NAMES),
    }
  }

  /** What was sent is seen, and what stats then owe is paid back. Logs owe nothing. */
  const settle = async (): Promise<void> => {
    if (logs === "json") return
    await sleep(SEEN_MS)
    await runGood(stage, REPAID)
  }

  /** The agent tells the truth itself, of logs and of stats. */
  const agrees = async (): Promise<void> => {
    await settle()
    const wanted = seenBy(logs, await stage.truth())
    await expect
      .poll(async () => differing(await told(), wanted), { timeout: 15_000, interval: 250 })
      .toEqual([])
  }

  test("restarts that hide nothing from a scrape change no count", { timeout: 180_000 }, async () => {
    await expect.poll(async () => (await prometheus.query("up")).length, { timeout: 20_000 }).toBe(1)
    await stage.run(STEP * 2)
    await agrees()
    for (const [proxy, how] of RESTARTS) {
      let grown: readonly string[] = []
      await stage.change({ extra: [] }, async () => {
        await sleep(SEEN_MS)
        const before = (await agent.page()) ?? ""
        await restart(proxy, how)
        await sleep(SEEN_MS)
        grown = growth(before, await agent.until(allUp))
      })
      expect(grown).toEqual([])
      await stage.run(STEP)
      await agrees()
    }
  })

  test("a restart before a scrape costs at most what came since the last one", {
    timeout: 60_000,
  }, async () => {
    const seen = seenBy(logs, await stage.truth())
    await stage.change({ extra: [] })
    await stage.run(20)
    await stage.change({}, () => stage.fleet.restart("yelb-appserver-virtual-node-0"))
    await settle()
    const most = seenBy(logs, await stage.truth())
    await expect
      .poll(async () => strays(await told(), logs === "json" ? most : seen, most), { timeout: 15_000 })
      .toEqual([])
    // Whatever came late would show by now.
    await sleep(SEEN_MS)
    expect(strays(await told(), logs === "json" ? most : seen, most)).toEqual([])
  })

  test("no counter ever fell", async () => {
    const series = await prometheus.samples(
      '{__name__=~"mesh_.+_(total|count|sum|bucket)",__name__!~"mesh_agent_.+"}',
    )
    expect(series.length).toBeGreaterThan(200)
    expect(falls(series)).toEqual([])
  })

  test("no histogram holds more than what was counted", async () => {
    const page = await agent.until(allUp)
    const requests = pageCounts(page, "mesh_requests_total", ["reporter"])
    const timed = pageCounts(page, "mesh_request_duration_seconds_count", ["reporter"])
    expect(strays(timed, logs === "json" ? requests : {}, requests)).toEqual([])
    const attempts = pageTotal(page, "mesh_request_attempts_total")
    expect(pageTotal(page, "mesh_upstream_duration_seconds_count")).toBeLessThanOrEqual(attempts)
  })

  test("the proxies are up, and nothing is unaccounted", async () => {
    const page = await agent.until(allUp)
    expect(
      pageCounts(page, "mesh_unaccounted_requests_total", ["virtual_node", "virtual_gateway", "reporter"]),
    ).toEqual({})
    expect(pageCounts(page, "mesh_proxy_info", ["provenance"])).toEqual({
      [`provenance=${logs === "none" ? "stats" : "log"}`]: stage.fleet.proxies.length,
    })
  })
})

/**
 * Requests by reporter, and connections: what stats can tell of every request as logs can. Only logs tell a health check
 * by its caller's name; a gateway passes each to itself.
 */
function seenBy(logs: "none" | "json", truth: Truth): Counts {
  const requests = { gateway: 0, source: 0, destination: 0 }
  for (const { reporter, count } of truth.requests) requests[reporter] += count
  for (const { virtualGateway, count } of logs === "none" ? truth.healthChecks : []) {
    if (virtualGateway === "") requests.destination += count
    else for (const reporter of ["gateway", "source"] as const) requests[reporter] += count / 2
  }
  const counts = Object.entries(requests).map(([reporter, count]) => [`reporter=${reporter}`, count])
  return { ...Object.fromEntries(counts), ...truthConnections(truth) }
}

/** What is below `least` or above `most`, in words. */
function strays(counts: Counts, least: Counts, most: Counts): readonly string[] {
  const keys = new Set([counts, least, most].flatMap((of) => Object.keys(of)))
  return [...keys].flatMap((key) => {
    const [count = 0, low = 0, high = 0] = [counts[key], least[key], most[key]]
    return count >= low && count <= high ? [] : [`${key}: ${count}, not ${low} to ${high}`]
  })
}

const differing = (counts: Counts, wanted: Counts): readonly string[] => strays(counts, wanted, wanted)

/**
 * Counters that moved between two pages, in words. Not histograms: Envoy brings those up to date only every 5 seconds.
 */
function growth(before: string, after: string): readonly string[] {
  const names = [...after.matchAll(/^# TYPE (mesh_(?!agent_)\w+) counter$/gm)].map(([, name = ""]) => name)
  return names.flatMap((name) => {
    const [from, to] = [pageTotal(before, name), pageTotal(after, name)]
    return from === to ? [] : [`${name}: ${from} -> ${to}`]
  })
}
