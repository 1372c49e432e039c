import { createHash } from "node:crypto"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import { AgentProcess } from "../../live/rig/agent-process.ts"
import type { Counts } from "../../live/rig/counts.ts"
import { freePort } from "../../live/rig/free-port.ts"
import { pageCounts } from "../../live/rig/page-counts.ts"
import { truthBy } from "../../live/rig/truth-counts.ts"
import { BATCH, Driver } from "./docker.ts"

/**
 * The agent is killed again and again while lines are sent: none is lost, since none is acknowledged before it is committed.
 * What was committed and not yet acknowledged comes twice: at most one chunk of each sender and kill.
 */
const KILLS = 3
const STEP = 400
const MODEL = join(import.meta.dirname, "../../../demo/yelb-extended.yaml")

let stage: Stage
let agent: AgentProcess
let runDir: string
const drivers: Driver[] = []

beforeAll(async () => {
  runDir = await mkdtemp(join(tmpdir(), "meshscope-forward-kill-"))
  const [port, metrics] = [await freePort(), await freePort()]
  const { model } = parseKubernetesObjects(await readFile(MODEL, "utf8"), MODEL)
  const envoy = await envoyBinary()
  stage = await startStage({ model, runDir, logs: { "*": "json" }, envoy, flushMs: 100, seed: 9 })
  const containers = stage.fleet.proxies.map(({ name, admin, log }) => ({
    id: createHash("sha256").update(name).digest("hex"),
    name,
    admin,
    output: log,
  }))
  const targets = containers.map(({ id, name, admin }) => ({
    name,
    admin,
    sent: true,
    labels: { container_id: id },
  }))
  await writeFile(join(runDir, "sent.yaml"), JSON.stringify({ targets }))
  agent = await AgentProcess.prepare(runDir, `127.0.0.1:${metrics}`, {
    agent: { id: "kill", state: join(runDir, "state") },
    discover: { static: { file: join(runDir, "sent.yaml") } },
    scrape: { interval: "1s", timeout: "1s" },
    model: { files: [MODEL] },
    receive: { forward: { listen: `127.0.0.1:${port}` } },
  })
  agent.start()
  for (const container of containers)
    drivers.push(new Driver(container, { host: "127.0.0.1", port }, "packed"))
  for (const driver of drivers) driver.start()
}, 180_000)

afterAll(async () => {
  await Promise.all(drivers.map((driver) => driver.stop()))
  await agent?.end("SIGKILL")
  await stage?.stop()
  await rm(runDir, { recursive: true, force: true })
})

const counted = (page: string): Counts => pageCounts(page, "mesh_requests_total", ["reporter"])

test("no line is lost, and few come twice", { timeout: 120_000 }, async () => {
  await agent.until((page) => Object.keys(pageCounts(page, "mesh_proxy_up", ["proxy"])).length > 0)
  for (let kill = 0; kill < KILLS; kill++) {
    const sending = stage.run(STEP)
    await sleep(700)
    await agent.end("SIGKILL")
    agent.start()
    await sending
  }
  const wanted = truthBy((await stage.truth()).requests, ["reporter"])
  const isWhole = (page: string): boolean =>
    Object.entries(wanted).every(([key, count]) => (counted(page)[key] ?? 0) >= count)
  await agent.until(isWhole, 40_000)
  // Whatever may come twice has come.
  await sleep(3000)
  const told = counted((await agent.page()) ?? "")
  const twice = Object.entries(wanted).reduce((sum, [key, count]) => sum + (told[key] ?? 0) - count, 0)
  expect(twice).toBeLessThanOrEqual(KILLS * BATCH * drivers.length)
  expect(isWhole((await agent.page()) ?? "")).toBe(true)
})
