import { createHash } from "node:crypto"
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { Agent } from "../../../agent/start.ts"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import type { Truth } from "../../../demo/truth.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import { MODES } from "../../fixtures/forward/packing.ts"
import type { Counts } from "../../live/rig/counts.ts"
import { exposed } from "../../live/rig/exposed.ts"
import { freePort } from "../../live/rig/free-port.ts"
import { startAgentHere } from "../../live/rig/here.ts"
import { REQUEST_NAMES, TCP_NAMES, truthConnections, truthRequests } from "../../live/rig/truth-counts.ts"
import { Driver } from "./docker.ts"

/**
 * No log file can be read: each Envoy's output is sent as Docker's log driver does, by TCP and by a Unix socket, in all
 * modes. The agent is away for a while; what was not acknowledged is sent again. Everything is counted, once.
 */
const PART = 1500
const MODEL = join(import.meta.dirname, "../../../demo/yelb-extended.yaml")
const SOON = { timeout: 30_000, interval: 250 }

let stage: Stage
let agent: Agent
let runDir: string
let port: number
let truth: Truth
const drivers: Driver[] = []

const idOf = (name: string): string => createHash("sha256").update(name).digest("hex")

const start = (): Promise<Agent> =>
  startAgentHere({
    runDir,
    modelFile: MODEL,
    targetsFile: join(runDir, "sent.yaml"),
    changes: {
      receive: { forward: { listen: `127.0.0.1:${port}`, socket: join(runDir, "forward.sock") } },
      commit: "500ms",
    },
  })

const told = (metric: Parameters<typeof exposed>[1], names: readonly string[]): Counts =>
  exposed(agent.pipeline.ledger.snapshot, metric, names)

beforeAll(async () => {
  runDir = await mkdtemp(join(tmpdir(), "meshscope-forward-"))
  port = await freePort()
  const { model } = parseKubernetesObjects(await readFile(MODEL, "utf8"), MODEL)
  const envoy = await envoyBinary()
  stage = await startStage({ model, runDir, logs: { "*": "json" }, envoy, flushMs: 200, seed: 5 })
  const { proxies } = stage.fleet
  const targets = proxies.map(({ name, admin }) => ({
    name,
    admin,
    sent: true,
    // As tools show it, and as Docker's own API tells it.
    labels: { container_id: name.includes("ui") ? idOf(name) : idOf(name).slice(0, 12) },
  }))
  await writeFile(join(runDir, "sent.yaml"), JSON.stringify({ targets }))
  agent = await start()
  for (const [at, { name, log }] of proxies.entries()) {
    const to = at % 2 === 0 ? { host: "127.0.0.1", port } : { path: join(runDir, "forward.sock") }
    const mode = MODES[at % MODES.length] ?? "forward"
    drivers.push(new Driver({ id: idOf(name), name, output: log }, to, mode))
  }
  for (const driver of drivers) driver.start()
  await stage.run(PART)
  await agent.stop()
  await stage.run(PART)
  agent = await start()
  await stage.run(PART)
  truth = await stage.truth()
}, 300_000)

afterAll(async () => {
  await Promise.all(drivers.map((driver) => driver.stop()))
  await agent?.stop()
  await stage?.stop()
  await rm(runDir, { recursive: true, force: true })
})

test("counts per route, outcome, target and reporter equal the truth", { timeout: 60_000 }, async () => {
  await expect.poll(() => told("requests", REQUEST_NAMES), SOON).toEqual(truthRequests(truth.requests))
  expect(told("tcpOpened", TCP_NAMES)).toEqual(truthConnections(truth))
})

test("lines that are sent are what counts, and nothing is in doubt", () => {
  expect(told("proxyInfo", ["provenance", "missing"])).toEqual({
    "provenance=log": stage.fleet.proxies.length,
  })
  expect(told("unmapped", ["proxy", "reason"])).toEqual({})
})

test("nothing is counted again later", async () => {
  await sleep(2000)
  agent.pipeline.commit()
  expect(told("requests", REQUEST_NAMES)).toEqual(truthRequests(truth.requests))
})

test("a heartbeat is answered", async () => {
  const udp = createSocket("udp4").bind(0, "127.0.0.1")
  try {
    await once(udp, "listening")
    udp.send(Buffer.alloc(0), port, "127.0.0.1")
    const [answer] = await once(udp, "message", { signal: AbortSignal.timeout(5000) })
    expect(answer).toHaveLength(1)
  } finally {
    udp.close()
  }
})
