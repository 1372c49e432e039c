import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, afterEach, beforeAll, expect, test } from "vitest"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { applyFault } from "../../../demo/faults.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import type { DeclaredMesh } from "../../../mesh/declared.ts"
import { type AccessLine, fleetLines, lineCounts, truthCounts } from "./lines.ts"

/** The truth stays exact while faults come and go on real Envoys. */
const FLUSH_MS = 100
const SOON = { timeout: 5000 }
let stage: Stage
let runDir: string
let declared: DeclaredMesh

beforeAll(async () => {
  runDir = await mkdtemp(join(tmpdir(), "meshscope-faults-"))
  const file = join(import.meta.dirname, "../../../demo/yelb-extended.yaml")
  const { model } = parseKubernetesObjects(await readFile(file, "utf8"), file)
  const envoy = await envoyBinary()
  stage = await startStage({ model, runDir, logs: { "*": "json" }, envoy, flushMs: FLUSH_MS, seed: 11 })
  declared = stage.fleet.mesh()
})

afterAll(async () => {
  await stage?.stop()
  await rm(runDir, { recursive: true, force: true })
})

afterEach(async () => {
  await applyFault(declared, stage, "heal")
})

type Counts = Record<string, number>

const since = (now: Counts, before: Counts): Counts =>
  Object.fromEntries(
    Object.entries(now)
      .map(([key, count]) => [key, count - (before[key] ?? 0)] as const)
      .filter(([, count]) => count !== 0),
  )

/** Sends requests: what the truth grew by, and what the lines have grown by so far. */
async function send(
  requests: number,
): Promise<{ readonly truth: Counts; readonly lines: () => Promise<Counts> }> {
  const truthBefore = truthCounts(await stage.truth())
  const linesBefore = lineCounts(await settledLines())
  await stage.run(requests)
  const truth = await stage.truth()
  if (truth.undecided.length > 0) throw new Error(`undecided: ${JSON.stringify(truth.undecided)}`)
  return {
    truth: since(truthCounts(truth), truthBefore),
    lines: async () => since(lineCounts(await fleetLines(stage.fleet)), linesBefore),
  }
}

/** Envoys hold lines back for the flush interval. */
async function settledLines(): Promise<readonly AccessLine[]> {
  await sleep(2 * FLUSH_MS + 100)
  return fleetLines(stage.fleet)
}

test.each([
  "kill-app",
  "kill-app yelb-ui",
  "kill-app yelb-db",
  "slow-app yelb-appserver 100",
  "abort-app",
  "no-endpoints",
  "remove-route",
  "remove-route recommend",
  "breaker",
  "undeclared",
  "weights 0:1",
  "weights 99:1",
  "canary",
])("%s, then heal", async (command) => {
  await applyFault(declared, stage, command)
  const faulty = await send(100)
  await expect.poll(faulty.lines, SOON).toEqual(faulty.truth)
  await applyFault(declared, stage, "heal")
  const healed = await send(30)
  await expect.poll(healed.lines, SOON).toEqual(healed.truth)
})

test("faults that are typed at once come into force one behind the other", async () => {
  const lines = ["kill-app yelb-ui", "kill-app yelb-db", "slow-app yelb-appserver 20", "weights 99:1"]
  await Promise.all(lines.map((line) => applyFault(declared, stage, line)))
  expect([...stage.condition().down].toSorted()).toEqual(["yelb-db-virtual-node", "yelb-ui-virtual-node"])
  const sent = await send(50)
  await expect.poll(sent.lines, SOON).toEqual(sent.truth)
})

test("a restarted Envoy serves on, and its earlier lines stay", async () => {
  await stage.fleet.restart("yelb-ui-virtual-node-0")
  const sent = await send(50)
  await expect.poll(sent.lines, SOON).toEqual(sent.truth)
})

test("a fault that does not exist is named with those that do", async () => {
  await expect(applyFault(declared, stage, "explode")).rejects.toThrow(/no fault "explode".*kill-app/)
  await expect(applyFault(declared, stage, "weights 0:0")).rejects.toThrow("99:1")
})
