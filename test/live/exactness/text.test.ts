import { afterAll, beforeAll, expect, test } from "vitest"
import type { Truth, TruthCount } from "../../../demo/truth.ts"
import { type Counts, durations, exposed, REQUEST_NAMES, truthRequests } from "../rig/exposed.ts"
import { apiByRoute, truthByRoute } from "../rig/routes-told.ts"
import { type Stand, startStand } from "../rig/stand.ts"
import { CAUSE_NAMES, eitherCause, failuresByText, isAmbiguous, toldByText } from "./text-told.ts"

/** Default text logs on all nodes, the same plan: exact in what the format tells, and nothing claimed beyond. */
const REQUESTS = Number(process.env["EXACT_REQUESTS"] ?? 20_000)
let stand: Stand
let truth: Truth
const told = (metric: Parameters<typeof exposed>[1], names: readonly string[]): Counts =>
  exposed(stand.agent.pipeline.ledger.snapshot, metric, names)

beforeAll(async () => {
  stand = await startStand({ logs: { "*": "text" }, seed: 7 })
})

afterAll(async () => {
  await stand?.stop()
})

test("counts equal the truth as far as the text tells it", { timeout: 300_000 }, async () => {
  await stand.stage.run(REQUESTS)
  truth = await stand.stage.truth()
  expect(truth.sent).toBe(REQUESTS)
  expect(truth.undecided).toEqual([])
  const wanted = truthRequests(toldByText(truth.requests))
  await expect.poll(() => told("requests", REQUEST_NAMES), { timeout: 20_000, interval: 500 }).toEqual(wanted)
  expect(Object.keys(told("requests", ["provenance"]))).toEqual(["provenance=log"])
})

test("who answered is told where flag and code leave no doubt, and unknown elsewhere", () => {
  expect(eitherCause(told("failures", CAUSE_NAMES))).toEqual(failuresByText(truth.requests))
  const withoutFlag = Object.keys(told("failures", ["flag", "answered_by"])).filter((key) =>
    key.startsWith("flag=- "),
  )
  expect(withoutFlag).toEqual(["flag=- answered_by=unknown"])
})

test("attempts, which the text lacks, are absent; durations and bytes are of every request", () => {
  expect(told("attempts", ["reporter"])).toEqual({})
  for (const reporter of ["gateway", "source", "destination"]) {
    expect(durations(stand.agent.pipeline.ledger.snapshot, reporter)).toBe(
      sum(truth.requests.filter((row) => row.reporter === reporter)),
    )
  }
})

test("health checks count by themselves, and connections of TCP services too", () => {
  const checks = Object.fromEntries(
    truth.healthChecks.map(({ virtualGateway, virtualNode, count }) => [
      virtualGateway === "" ? `virtual_node=${virtualNode}` : `virtual_gateway=${virtualGateway}`,
      // A gateway logs each request twice; the check was one.
      virtualGateway === "" ? count : count / 2,
    ]),
  )
  expect(told("healthChecks", ["virtual_node", "virtual_gateway"])).toEqual(checks)
  const calls = truth.tcp.map(({ source, virtualService, virtualNode, connections }) => [
    `reporter=source virtual_service=${virtualService} source=${source} virtual_node=${virtualNode}`,
    connections,
  ])
  const opened = told("tcpOpened", ["reporter", "virtual_service", "source", "virtual_node"])
  expect(opened).toMatchObject(Object.fromEntries(calls))
})

test("doubts are counted: each line that could be another route's, and each whose path a caller can forge", () => {
  const calls = truth.requests.filter((row) => row.reporter === "source")
  const ambiguous = calls.filter((row) => isAmbiguous(row))
  // Routes of v1 differ by path. The text shows the header of an original path in its place, which a caller of the ui's
  // egress may send; at the gateway Envoy itself writes it.
  const forgeable = calls.filter(
    (row) => row.source !== "" && row.virtualService === "yelb-appserver" && !isAmbiguous(row),
  )
  expect(told("unmapped", ["proxy", "reason"])).toEqual({
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
  expect(told("proxyInfo", ["proxy", "provenance", "missing"])).toEqual(
    Object.fromEntries([
      ...http.map((name) => [`proxy=yelb-${name}-0 provenance=log ${missing}`, 1]),
      ["proxy=redis-server-virtual-node-0 provenance=log", 1],
      ["proxy=yelb-db-virtual-node-0 provenance=log", 1],
    ]),
  )
})

test("the API tells the same per route, outcome and target", async () => {
  const wanted = truthByRoute(Object.assign({}, truth, { requests: toldByText(truth.requests) }))
  await expect.poll(() => apiByRoute(stand.ask), { timeout: 20_000, interval: 1000 }).toEqual(wanted)
})

test("nothing is unaccounted", () => {
  expect(told("unaccounted", ["virtual_node", "virtual_gateway", "reporter"])).toEqual({})
})

const sum = (rows: readonly TruthCount[]): number => rows.reduce((all, { count }) => all + count, 0)
