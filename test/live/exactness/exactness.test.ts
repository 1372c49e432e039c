import { execFile } from "node:child_process"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { OnceReport } from "../../../mesh/once-report.ts"
import { apiByRoute, truthByRoute } from "../rig/routes-told.ts"
import {
  HEALTH_CHECK_NAMES,
  REQUEST_NAMES,
  TCP_NAMES,
  truthBy,
  truthConnections,
  truthHealthChecks,
  truthRequests,
} from "../rig/truth-counts.ts"
import { ONCE_NAMES, toldByOnce } from "./once-told.ts"
import { runTrial, SOON, type Trial } from "./trial.ts"

/** JSON logs: every route, every outcome, every reporter, to the request. */
const MAIN = join(import.meta.dirname, "../../../cli/main.ts")
const run = promisify(execFile)
let trial: Trial

beforeAll(async () => {
  trial = await runTrial({ logs: { "*": "json" } })
}, 300_000)

afterAll(() => trial?.stand.stop())

test("counts per route, outcome, target and reporter equal the truth", async () => {
  const wanted = truthRequests(trial.truth.requests)
  await expect.poll(() => trial.told("requests", REQUEST_NAMES), SOON).toEqual(wanted)
})

test("each request has one duration", () => {
  expect(trial.observed("duration", ["reporter"])).toEqual(truthBy(trial.truth.requests, ["reporter"]))
})

test("failures are the requests that did not end ok", () => {
  const failed = trial.truth.requests.filter(({ outcome }) => outcome !== "ok")
  const names = ["reporter", "outcome"]
  expect(trial.told("failures", names)).toEqual(truthBy(failed, names))
})

test("nothing is in doubt", () => {
  expect(trial.told("unmapped", ["proxy", "reason"])).toEqual({})
})

test("health checks count by themselves, and connections of TCP services too", () => {
  expect(trial.told("healthChecks", HEALTH_CHECK_NAMES)).toEqual(truthHealthChecks(trial.truth))
  expect(trial.told("tcpOpened", TCP_NAMES)).toEqual(truthConnections(trial.truth))
})

test("nothing stays unaccounted once the mesh is quiet", async () => {
  await trial.stand.agent.pipeline.settled()
  await sleep(3000)
  expect(trial.told("unaccounted", ["virtual_node", "virtual_gateway", "reporter"])).toEqual({})
})

test("the API tells the same per route, outcome and target", async () => {
  const wanted = truthByRoute(trial.truth.requests)
  await expect.poll(() => apiByRoute(trial.stand.ask), SOON).toEqual(wanted)
})

test("one look at everything from the command line tells the same", async () => {
  const { stdout } = await run(
    process.execPath,
    [MAIN, "once", "--config", trial.stand.configFile, "--json"],
    { maxBuffer: 64 * 1024 * 1024 },
  )
  const report = JSON.parse(stdout) as OnceReport
  expect(report.proxies.filter(({ ok }) => !ok)).toEqual([])
  expect(toldByOnce(report)).toEqual(truthBy(trial.truth.requests, ONCE_NAMES))
})
