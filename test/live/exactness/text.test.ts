import { afterAll, beforeAll, expect, test } from "vitest"
import type { TruthCount } from "../../../demo/truth.ts"
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
import { CAUSE_NAMES, eitherCause, failuresByText, isAmbiguous, toldByText } from "./text-told.ts"
import { gapsInTheEnd, NO_GAPS, runTrial, SOON, type Trial } from "./trial.ts"

/** Default text logs on all nodes, the same plan: exact in what the format tells, and nothing claimed beyond. */
let trial: Trial

beforeAll(async () => {
  trial = await runTrial({ logs: { "*": "text" } })
}, 300_000)

afterAll(() => trial?.stand.stop())

test("counts equal the truth as far as the text tells it", async () => {
  const wanted = truthRequests(toldByText(trial.truth.requests))
  await expect.poll(() => trial.told("requests", REQUEST_NAMES), SOON).toEqual(wanted)
  expect(Object.keys(trial.told("requests", ["provenance"]))).toEqual(["provenance=log"])
})

test("who answered is told where flag and code leave no doubt, and unknown elsewhere", () => {
  expect(eitherCause(trial.told("failures", CAUSE_NAMES))).toEqual(failuresByText(trial.truth.requests))
  const withoutFlag = Object.keys(trial.told("failures", ["flag", "answered_by"])).filter((key) =>
    key.startsWith("flag=- "),
  )
  expect(withoutFlag).toEqual(["flag=- answered_by=unknown"])
})

test("attempts, which the text lacks, are absent; durations are of every request", () => {
  expect(trial.told("attempts", ["reporter"])).toEqual({})
  expect(trial.observed("duration", ["reporter"])).toEqual(truthBy(trial.truth.requests, ["reporter"]))
})

test("health checks count by themselves, and connections of TCP services too", () => {
  expect(trial.told("healthChecks", HEALTH_CHECK_NAMES)).toEqual(truthHealthChecks(trial.truth))
  expect(trial.told("tcpOpened", TCP_NAMES)).toEqual(truthConnections(trial.truth))
})

test("doubts are counted: each line that could be another route's, and each whose path a caller can forge", () => {
  const calls = trial.truth.requests.filter((row) => row.reporter === "source")
  const ambiguous = calls.filter((row) => isAmbiguous(row))
  // Routes of v1 differ by path. The text shows the header of an original path in its place, which a caller of the ui's
  // egress may send; at the gateway Envoy itself writes it.
  const forgeable = calls.filter(
    (row) => row.source !== "" && row.virtualService === "yelb-appserver" && !isAmbiguous(row),
  )
  expect(trial.told("unmapped", ["proxy", "reason"])).toEqual({
    "proxy=yelb-gateway_yelb-0 reason=route_ambiguous": sum(ambiguous.filter(({ source }) => source === "")),
    "proxy=yelb-ui-virtual-node-0 reason=route_ambiguous": sum(
      ambiguous.filter(({ source }) => source !== ""),
    ),
    "proxy=yelb-ui-virtual-node-0 reason=forgeable": sum(forgeable),
  })
})

test("each proxy's state says what its log lacks", () => {
  const missing = "missing=upstream_cluster,response_code_details,grpc_status,attempts,own_path"
  const http = ["gateway_yelb", "ui-virtual-node", "appserver-virtual-node", "appserver-virtual-node-v2"]
  expect(trial.told("proxyInfo", ["proxy", "provenance", "missing"])).toEqual(
    Object.fromEntries([
      ...http.map((name) => [`proxy=yelb-${name}-0 provenance=log ${missing}`, 1]),
      ["proxy=redis-server-virtual-node-0 provenance=log", 1],
      ["proxy=yelb-db-virtual-node-0 provenance=log", 1],
    ]),
  )
})

test("the API tells the same per route, outcome and target", async () => {
  const wanted = truthByRoute(toldByText(trial.truth.requests))
  await expect.poll(() => apiByRoute(trial.stand.ask), SOON).toEqual(wanted)
})

test("nothing is unaccounted", async () => {
  expect(await gapsInTheEnd(trial)).toEqual(NO_GAPS)
})

const sum = (rows: readonly TruthCount[]): number => rows.reduce((all, { count }) => all + count, 0)
