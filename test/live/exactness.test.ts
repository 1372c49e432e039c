import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { parseAgentConfig } from "../../agent/config/parse.ts"
import { type Agent, startAgent } from "../../agent/start.ts"
import { makeLog } from "../../agent/telemetry/log.ts"
import { envoyBinary } from "../../demo/envoy-binary.ts"
import { type Stage, startStage } from "../../demo/stage.ts"
import { systemClock } from "../../mesh/clock.ts"
import { parseKubernetesObjects } from "../../mesh/declare/kubernetes.ts"
import { durations, exposed, REQUEST_NAMES, truthRequests } from "./exposed.ts"

/** JSON logs: every route, every outcome, every reporter, to the request. */
const REQUESTS = 20_000
const MODEL = join(import.meta.dirname, "../../demo/yelb-extended.yaml")
let stage: Stage
let runDir: string
let agent: Agent

beforeAll(async () => {
  runDir = await mkdtemp(join(tmpdir(), "meshscope-exact-"))
  const { model } = parseKubernetesObjects(await readFile(MODEL, "utf8"), MODEL)
  stage = await startStage({ model, runDir, logs: { "*": "json" }, envoy: await envoyBinary(), flushMs: 200, seed: 7 })
  const text = JSON.stringify({
    agent: { id: "exact", state: join(runDir, "state") },
    discover: { static: { file: stage.fleet.targetsFile } },
    scrape: { interval: "1s", timeout: "1s" },
    logs: { poll: "100ms", start: "beginning" },
    model: { files: [MODEL] },
    commit: "500ms",
    publish: { prometheus: { listen: "127.0.0.1:0" } },
  })
  const config = parseAgentConfig({ file: join(runDir, "agent.yaml"), text, env: {}, hostName: "h" })
  const log = makeLog({ clock: systemClock, level: "warn", stream: process.stderr })
  agent = await startAgent(config, { clock: systemClock, log, env: {}, version: "0", nodeVersion: "24" })
}, 60_000)

afterAll(async () => {
  await agent?.stop()
  await stage?.stop()
  await rm(runDir, { recursive: true, force: true })
})

test("counts per route, outcome, target and reporter equal the truth", { timeout: 300_000 }, async () => {
  await stage.run(REQUESTS)
  const truth = await stage.truth()
  expect(truth.sent).toBe(REQUESTS)
  expect(truth.undecided).toEqual([])
  const { snapshot } = agent.pipeline.ledger
  const wanted = truthRequests(truth.requests)
  await expect.poll(() => exposed(snapshot, "requests", REQUEST_NAMES), { timeout: 20_000, interval: 500 }).toEqual(wanted)
  for (const reporter of ["gateway", "source", "destination"]) {
    const requests = truth.requests.filter((row) => row.reporter === reporter).reduce((sum, row) => sum + row.count, 0)
    expect(durations(snapshot, reporter)).toBe(requests)
  }
})
