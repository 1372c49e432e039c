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

/* oxlint-disable vitest/expect-expect -- expectAgreement does */
/** The truth stays exact while faults come and go on real Envoys. */
const FLUSH_MS = 100
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

const since = (now: Record<string, number>, before: Record<string, number>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(now)
      .map(([key, count]) => [key, count - (before[key] ?? 0)] as const)
      .filter(([, count]) => count !== 0),
  )

/** Sends requests and expects that the lines and the truth grew by the same. */
async function expectAgreement(requests: number): Promise<void> {
  const truthBefore = truthCounts(await stage.truth())
  const linesBefore = lineCounts(await settledLines())
  await stage.run(requests)
  const truth = await stage.truth()
  expect(truth.undecided).toEqual([])
  const grown = async (): Promise<Record<string, number>> =>
    since(lineCounts(await fleetLines(stage.fleet)), linesBefore)
  await expect.poll(grown, { timeout: 5000 }).toEqual(since(truthCounts(truth), truthBefore))
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
  await expectAgreement(100)
  await applyFault(declared, stage, "heal")
  await expectAgreement(30)
})

test("a restarted Envoy serves on, and its earlier lines stay", async () => {
  await stage.fleet.restart("yelb-ui-virtual-node-0")
  await expectAgreement(50)
})

test("a fault that does not exist is named with those that do", async () => {
  await expect(applyFault(declared, stage, "explode")).rejects.toThrow(/no fault "explode".*kill-app/)
  await expect(applyFault(declared, stage, "weights 0:0")).rejects.toThrow("99:1")
})
