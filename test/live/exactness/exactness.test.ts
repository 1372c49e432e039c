import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { OnceReport } from "../../../mesh/once-report.ts"
import { durations, exposed, REQUEST_NAMES, truthRequests } from "../rig/exposed.ts"
import { apiByRoute, truthByRoute } from "../rig/routes-told.ts"
import { type Stand, startStand } from "../rig/stand.ts"

/** JSON logs: every route, every outcome, every reporter, to the request. */
const REQUESTS = Number(process.env["EXACT_REQUESTS"] ?? 20_000)
const run = promisify(execFile)
let stand: Stand

beforeAll(async () => {
  stand = await startStand({ logs: { "*": "json" }, seed: 7 })
})

afterAll(async () => {
  await stand?.stop()
})

test("counts per route, outcome, target and reporter equal the truth", { timeout: 300_000 }, async () => {
  await stand.stage.run(REQUESTS)
  const truth = await stand.stage.truth()
  expect(truth.sent).toBe(REQUESTS)
  expect(truth.undecided).toEqual([])
  const { snapshot } = stand.agent.pipeline.ledger
  const wanted = truthRequests(truth.requests)
  await expect
    .poll(() => exposed(snapshot, "requests", REQUEST_NAMES), { timeout: 20_000, interval: 500 })
    .toEqual(wanted)
  for (const reporter of ["gateway", "source", "destination"]) {
    const requests = truth.requests
      .filter((row) => row.reporter === reporter)
      .reduce((sum, row) => sum + row.count, 0)
    expect(durations(snapshot, reporter)).toBe(requests)
  }
  const failures = exposed(snapshot, "failures", ["reporter", "outcome"])
  const failed = exposed(snapshot, "requests", ["reporter", "outcome"])
  for (const key of Object.keys(failed).filter((each) => each.endsWith("outcome=ok"))) delete failed[key]
  expect(failures).toEqual(failed)
  expect(exposed(snapshot, "unmapped", ["proxy", "reason"])).toEqual({})
})

test("health checks count by themselves, and connections of TCP services too", async () => {
  const truth = await stand.stage.truth()
  const { snapshot } = stand.agent.pipeline.ledger
  const checks = Object.fromEntries(
    truth.healthChecks.map(({ virtualGateway, virtualNode, count }) => [
      virtualGateway === "" ? `virtual_node=${virtualNode}` : `virtual_gateway=${virtualGateway}`,
      // A gateway logs each request twice; the check was one.
      virtualGateway === "" ? count : count / 2,
    ]),
  )
  expect(exposed(snapshot, "healthChecks", ["virtual_node", "virtual_gateway"])).toEqual(checks)
  const opened = exposed(snapshot, "tcpOpened", ["reporter", "virtual_service", "source", "virtual_node"])
  const calls = Object.fromEntries(
    truth.tcp.map(({ source, virtualService, virtualNode, connections }) => [
      `reporter=source virtual_service=${virtualService} source=${source} virtual_node=${virtualNode}`,
      connections,
    ]),
  )
  expect(
    Object.fromEntries(Object.entries(opened).filter(([key]) => key.startsWith("reporter=source"))),
  ).toEqual(calls)
})

test("nothing stays unaccounted once the mesh is quiet", async () => {
  const { snapshot } = stand.agent.pipeline.ledger
  await stand.agent.pipeline.settled()
  await new Promise((resolve) => setTimeout(resolve, 3000))
  expect(exposed(snapshot, "unaccounted", ["virtual_node", "virtual_gateway", "reporter"])).toEqual({})
})

test("the API tells the same per route, outcome and target", async () => {
  const wanted = truthByRoute(await stand.stage.truth())
  await expect.poll(() => apiByRoute(stand.ask), { timeout: 20_000, interval: 1000 }).toEqual(wanted)
})

test("one look at everything from the command line tells the same", { timeout: 60_000 }, async () => {
  const main = join(import.meta.dirname, "../../../cli/main.ts")
  const { stdout } = await run(process.execPath, [main, "once", "--config", stand.configFile, "--json"], {
    maxBuffer: 64 * 1024 * 1024,
  })
  const report = JSON.parse(stdout) as OnceReport
  expect(report.proxies.filter(({ ok }) => !ok)).toEqual([])
  const told: Record<string, number> = {}
  for (const row of report.requests) {
    for (const [outcome, count] of [
      ["ok", row.ok],
      ["client_error", row.clientErrors],
      ["error", row.errors],
      ["aborted", row.aborted],
    ] as const) {
      if (count > 0)
        told[
          [
            row.reporter,
            row.virtualGateway,
            row.gatewayRoute,
            row.virtualService,
            row.route,
            row.source,
            row.virtualNode,
            outcome,
          ].join("|")
        ] = count
    }
  }
  const wanted: Record<string, number> = {}
  for (const row of (await stand.stage.truth()).requests) {
    const key = [
      row.reporter,
      row.virtualGateway,
      row.gatewayRoute,
      row.virtualService,
      row.route,
      row.source,
      row.virtualNode,
      row.outcome,
    ].join("|")
    wanted[key] = (wanted[key] ?? 0) + row.count
  }
  expect(told).toEqual(wanted)
})
