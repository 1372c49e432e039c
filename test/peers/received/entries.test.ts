import { afterAll, beforeAll, expect, test } from "vitest"
import { streaming } from "../../live/entries/loggers.ts"
import { failuresByJson } from "../../live/exactness/json-told.ts"
import {
  REQUEST_BYTES_NAMES,
  RESPONSE_BYTES_NAMES,
  requestBytes,
  responseBytes,
} from "../../live/exactness/plan-told.ts"
import { CAUSE_NAMES, eitherCause } from "../../live/exactness/text-told.ts"
import { gapsInTheEnd, NO_GAPS, planOf, runTrial, SOON, type Trial } from "../../live/exactness/trial.ts"
import { freePort } from "../../live/rig/free-port.ts"
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
} from "../../live/rig/truth-counts.ts"

/**
 * Each proxy streams its access log to the agent, two replicas of one virtual node with one node id among them; the gateway
 * writes a file beside it. What is counted is as exact as with our JSON lines (test/live/exactness).
 */
const REQUESTS = Number(process.env["EXACT_REQUESTS"] ?? 10_000)
let trial: Trial

beforeAll(async () => {
  const port = await freePort()
  trial = await runTrial(
    {
      logs: { "yelb-gateway_yelb": "json", "*": "none" },
      adapt: streaming(port, ["x-canary"]),
      placement: { "yelb-appserver-virtual-node": 2 },
      agent: { receive: { accessLogs: { listen: `127.0.0.1:${port}` } } },
    },
    REQUESTS,
  )
}, 300_000)

afterAll(() => trial?.stand.stop())

test("counts per route, outcome, target and reporter equal the truth", async () => {
  const wanted = truthRequests(trial.truth.requests)
  await expect.poll(() => trial.told("requests", REQUEST_NAMES), SOON).toEqual(wanted)
})

test("each request has one duration", () => {
  expect(trial.observed("duration", ["reporter"])).toEqual(truthBy(trial.truth.requests, ["reporter"]))
})

test("failures have their flag and who answered", () => {
  const told = trial.told("failures", CAUSE_NAMES)
  expect(eitherCause(told)).toEqual(failuresByJson(trial.truth.requests))
})

test("attempts are those that reached the callee", () => {
  const names = PLACE_NAMES.filter((name) => name !== "source")
  expect(trial.told("attempts", names)).toEqual(truthBy(trial.truth.attempts, names))
})

test("bytes of bodies are what was sent and answered", () => {
  const told = trial.told("requestBytes", REQUEST_BYTES_NAMES)
  for (const key of Object.keys(told)) if (key.startsWith("reporter=destination")) delete told[key]
  expect(told).toEqual(requestBytes(planOf(trial), trial.truth))
  expect(trial.told("responseBytes", RESPONSE_BYTES_NAMES)).toMatchObject(responseBytes(trial.truth))
})

test("health checks count by themselves, and connections of TCP services too", async () => {
  expect(trial.told("healthChecks", HEALTH_CHECK_NAMES)).toEqual(truthHealthChecks(trial.truth))
  const connections = truthConnections(trial.truth)
  await expect.poll(() => trial.told("tcpOpened", TCP_NAMES), SOON).toEqual(connections)
  expect(trial.told("tcpReceived", TCP_NAMES)).toEqual(truthTcp(trial.truth, "receivedBytes"))
  expect(trial.told("tcpSent", TCP_NAMES)).toEqual(truthTcp(trial.truth, "sentBytes"))
})

test("nothing is in doubt, and each proxy's state says that its log is what counts", () => {
  expect(trial.told("unmapped", ["proxy", "reason"])).toEqual({})
  const states = trial.told("proxyInfo", ["provenance", "missing"])
  expect(states).toEqual({ "provenance=log": trial.stand.stage.fleet.proxies.length })
})

test("what the gateway also wrote to its file is passed over", async () => {
  const { counters } = trial.stand.agent.pipeline.lines
  const gateway = trial.truth.requests.filter(({ virtualGateway }) => virtualGateway !== "")
  const passes = gateway.reduce((sum, { count }) => sum + count, 0)
  expect(passes).toBeGreaterThan(REQUESTS / 2)
  await expect.poll(() => counters.repeated, SOON).toBeGreaterThanOrEqual(passes)
})

test("nothing stays unaccounted once the mesh is quiet", async () => {
  expect(await gapsInTheEnd(trial)).toEqual(NO_GAPS)
})
