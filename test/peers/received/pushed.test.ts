import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import { pick, seeded } from "../../../demo/random.ts"
import { type Application, call, startApplication } from "../../live/ecs/application.ts"
import { type RunningEnvoy, startEnvoy } from "../../live/ecs/envoy.ts"
import { AgentProcess } from "../../live/rig/agent-process.ts"
import type { Counts } from "../../live/rig/counts.ts"
import { freePort } from "../../live/rig/free-port.ts"
import { pageCounts, pageTotal } from "../../live/rig/page-counts.ts"

/**
 * A real Envoy whose DogStatsD sink is as App Mesh's image writes it (`ENABLE_ENVOY_DOG_STATSD`), one datagram a line, and
 * an agent beside it that has no other way to its stats. It flushes more often than App Mesh's does, every five seconds.
 */
const FLUSH_MS = 1000
const SEED = 20_261_121
const STATUSES = [200, 200, 200, 204, 404, 403, 500, 503] as const
const random = seeded(SEED)
const sent: Counts = {}
let folder: string
let own: Application
let app: Application
let envoy: RunningEnvoy
let agent: AgentProcess
let statsd: number

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pushed-"))
  statsd = await freePort()
  own = await startApplication()
  app = await startApplication()
  const admin = await freePort()
  envoy = await startEnvoy({
    folder: join(folder, "envoy"),
    admin: { kind: "tcp", host: "127.0.0.1", port: admin },
    nodeId: "mesh/yelb/virtualNode/ui",
    tags: { "appmesh.mesh": "yelb", "appmesh.virtual_node": "ui" },
    ownPort: own.port,
    appPort: app.port,
    bootstrap: { stats_flush_interval: `${FLUSH_MS / 1000}s`, stats_sinks: [sink(statsd)] },
  })
  agent = await AgentProcess.prepare(folder, `127.0.0.1:${await freePort()}`, {
    agent: { id: "pushed", state: join(folder, "state") },
    discover: {
      static: { targets: [{ name: "ui-1", admin: `127.0.0.1:${admin}`, serves: { kind: "pushed" } }] },
    },
    receive: { dogstatsd: { listen: `127.0.0.1:${statsd}`, silence: "5s" } },
    scrape: { interval: "1s" },
    commit: "500ms",
  })
})
afterAll(async () => {
  await agent?.end("SIGTERM")
  await envoy?.process.stop()
  await own?.stop()
  await app?.stop()
  await rm(folder, { recursive: true, force: true })
})

const sink = (port: number): object => ({
  name: "envoy.dog_statsd",
  typed_config: {
    "@type": "type.googleapis.com/envoy.config.metrics.v3.DogStatsdSink",
    address: { socket_address: { protocol: "UDP", address: "127.0.0.1", port_value: port } },
  },
})

/** So many calls to both sides, with seeded answers. @param counted whether an agent is there to take them */
async function load(calls: number, counted = true): Promise<void> {
  for (const [reporter, port] of [
    ["destination", envoy.ingressPort],
    ["source", envoy.egressPort],
  ] as const) {
    const statuses = Array.from({ length: calls }, () => pick(random, STATUSES))
    await call(port, statuses)
    for (const status of counted ? statuses : []) {
      const outcome = status >= 500 ? "error" : status >= 400 ? "client_error" : "ok"
      const key = `reporter=${reporter} outcome=${outcome}`
      sent[key] = (sent[key] ?? 0) + 1
    }
  }
}

const total = (counts: Counts): number => Object.values(counts).reduce((all, count) => all + count, 0)
const told = (page: string): Counts => pageCounts(page, "mesh_requests_total", ["reporter", "outcome"])
const up = (page: string): number => pageTotal(page, "mesh_proxy_up")

/** The page once all that was sent is on it. */
async function settled(): Promise<string> {
  const page = await agent.until((text) => total(told(text)) >= total(sent))
  // What would be too much comes by now.
  await sleep(3 * FLUSH_MS)
  return (await agent.page()) ?? page
}

test("each request is counted, by side and outcome, under the name that the tags tell", async () => {
  agent.start()
  await agent.until((page) => up(page) === 1)
  await load(200)
  const page = await settled()
  expect(told(page)).toEqual(sent)
  expect(pageCounts(page, "mesh_proxy_info", ["mesh", "virtual_node", "provenance", "missing"])).toEqual({
    "mesh=yelb virtual_node=ui provenance=stats missing=config,hosts,datagrams,declared_model": 1,
  })
  expect(
    pageCounts(page, "mesh_agent_intake_requests_total", ["result"])["result=kernel_dropped"],
  ).toBeUndefined()
  // Every answer's time came, one datagram each.
  expect(pageTotal(page, "mesh_upstream_duration_seconds_count")).toBe(400)
})

test("an Envoy that begins again goes on from there", async () => {
  await envoy.process.stop()
  await agent.until((page) => up(page) === 0)
  await envoy.process.start()
  await agent.until((page) => up(page) === 1)
  await load(50)
  expect(told(await settled())).toEqual(sent)
})

test("an agent that is killed goes on from its last commit; what came while it was away is lost", async () => {
  await load(50)
  await settled()
  await agent.end("SIGKILL")
  await load(30, false)
  await sleep(2 * FLUSH_MS)
  agent.start()
  await agent.until((page) => up(page) === 1)
  await load(50)
  expect(told(await settled())).toEqual(sent)
})

test("what is no stat of an Envoy is dropped and counted, and disturbs nothing", async () => {
  const { createSocket } = await import("node:dgram")
  const socket = createSocket("udp4")
  const lines = [
    "app.hits:1|c",
    "envoy.x:-1|c",
    "envoy.x:1|c|@0.1",
    "envoy.x:1|h",
    "\u0000\u00ff",
    `envoy.${"y".repeat(5000)}:1|c`,
  ]
  for (const line of lines) await new Promise((resolve) => socket.send(line, statsd, "127.0.0.1", resolve))
  socket.close()
  await load(20)
  const page = await settled()
  expect(told(page)).toEqual(sent)
  expect(pageCounts(page, "mesh_agent_dropped_total", ["stage", "reason"])).toMatchObject({
    "stage=receive_stats reason=not_envoy": 2,
    "stage=receive_stats reason=bad_value": 1,
    "stage=receive_stats reason=sampled": 1,
    "stage=receive_stats reason=too_long": 1,
  })
})
