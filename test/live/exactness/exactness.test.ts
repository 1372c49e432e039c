import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { TruthCount } from "../../../demo/truth.ts"
import { DURATION_BOUNDS } from "../../../mesh/catalogue.ts"
import type { OnceReport } from "../../../mesh/once-report.ts"
import { UNMATCHED } from "../../../mesh/resource.ts"
import { apiByRoute, truthByRoute } from "../rig/routes-told.ts"
import {
  HEALTH_CHECK_NAMES,
  PLACE_NAMES,
  REQUEST_NAMES,
  TCP_NAMES,
  truthBy,
  truthConnections,
  truthHealthChecks,
  truthRequests,
  truthTcp,
} from "../rig/truth-counts.ts"
import { FLOOR, unmet, WEIGHTS } from "./coverage.ts"
import { failuresByJson } from "./json-told.ts"
import { ONCE_NAMES, toldByOnce } from "./once-told.ts"
import {
  brokenOff,
  delays,
  REQUEST_BYTES_NAMES,
  RESPONSE_BYTES_NAMES,
  requestBytes,
  responseBytes,
} from "./plan-told.ts"
import { CAUSE_NAMES, eitherCause } from "./text-told.ts"
import { gapsInTheEnd, NO_GAPS, planOf, runTrial, SOON, type Trial } from "./trial.ts"

/** JSON logs: every route, every outcome, every reporter, to the request. */
const MAIN = join(import.meta.dirname, "../../../cli/main.ts")
const run = promisify(execFile)
let trial: Trial

beforeAll(async () => {
  trial = await runTrial({ logs: { "*": "json" } })
}, 300_000)

afterAll(() => trial?.stand.stop())

test("the plan meets every route with every outcome that it is meant to have", () => {
  expect(unmet(trial.truth.requests)).toEqual([])
  expect(trial.told("routeWeight", ["route", "virtual_node"])).toEqual(WEIGHTS)
})

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

test("failures have their flag and who answered", () => {
  const told = trial.told("failures", CAUSE_NAMES)
  expect(eitherCause(told)).toEqual(failuresByJson(trial.truth.requests))
  expect(trial.told("failures", ["flag"])["flag=UC"]).toBe(brokenOff(planOf(trial)))
})

test("attempts are those that reached the callee, and some requests were tried again", () => {
  const names = PLACE_NAMES.filter((name) => name !== "source")
  expect(trial.told("attempts", names)).toEqual(truthBy(trial.truth.attempts, names))
  const again = sum(trial.truth.attempts.filter(isPlaced)) - sum(trial.truth.requests.filter(isPlaced))
  expect(again).toBeGreaterThanOrEqual(FLOOR)
})

test("bytes of bodies are what was sent and answered", () => {
  const told = trial.told("requestBytes", REQUEST_BYTES_NAMES)
  for (const key of Object.keys(told)) if (key.startsWith("reporter=destination")) delete told[key]
  expect(told).toEqual(requestBytes(planOf(trial), trial.truth))
  expect(trial.told("responseBytes", RESPONSE_BYTES_NAMES)).toMatchObject(responseBytes(trial.truth))
})

test("what was held or slow lies in a bucket of its time or above", () => {
  const limited = trial.truth.requests.filter(({ route, code }) => route === "hostname" && code === 504)
  const held = trial.durations({ route: "hostname", outcome: "error" })
  // Its time limit is 0.5 s, which is the end of a bucket.
  expect(between(held, 0.5, 5)).toBe(sum(limited))
  expect(between(held, 0, 300)).toBe(sum(limited))
  // The first of two attempts is given up after a second.
  const tries = planOf(trial).filter(({ scenario }) => scenario === "try-timeout")
  expect(between(trial.durations({ route: "getvotes" }), 1, 5)).toBe(tries.length)
  const slow = trial.durations({ route: "route-to-yelb-appserver", outcome: "ok" })
  for (const bound of [0.05, 0.1]) {
    // A timer of Node may fire a millisecond early, and Envoy counts whole ones.
    const longer = delays(planOf(trial)).filter((ms) => ms > bound * 1000 + 2)
    expect(longer.length).toBeGreaterThan(0)
    expect(between(slow, bound, 5, false)).toBeGreaterThanOrEqual(longer.length)
  }
})

test("nothing is in doubt", () => {
  expect(trial.told("unmapped", ["proxy", "reason"])).toEqual({})
})

test("health checks count by themselves, and connections of TCP services too", () => {
  expect(trial.told("healthChecks", HEALTH_CHECK_NAMES)).toEqual(truthHealthChecks(trial.truth))
  expect(trial.told("tcpOpened", TCP_NAMES)).toEqual(truthConnections(trial.truth))
  expect(trial.told("tcpReceived", TCP_NAMES)).toEqual(truthTcp(trial.truth, "receivedBytes"))
  expect(trial.told("tcpSent", TCP_NAMES)).toEqual(truthTcp(trial.truth, "sentBytes"))
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

test("nothing stays unaccounted once the mesh is quiet", async () => {
  expect(await gapsInTheEnd(trial)).toEqual(NO_GAPS)
})

const isPlaced = ({ reporter, route }: TruthCount): boolean => reporter === "source" && route !== UNMATCHED

const sum = (rows: readonly TruthCount[]): number => rows.reduce((all, { count }) => all + count, 0)

/** Observations in the buckets from the one that ends at or holds `from`, to the one that ends at `to`, seconds. */
function between(counts: readonly number[], from: number, to: number, whole = true): number {
  const inside = (bound: number): boolean => (whole ? bound >= from : bound > from) && bound <= to
  return counts.reduce((all, count, at) => all + (inside(DURATION_BOUNDS[at] ?? Infinity) ? count : 0), 0)
}
