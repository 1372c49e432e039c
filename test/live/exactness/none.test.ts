import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { LogPlan } from "../../../demo/logs.ts"
import type { TruthCount } from "../../../demo/truth.ts"
import { truthBy } from "../rig/truth-counts.ts"
import { cutAnswers, differences, openCuts, type Sight, TOLD_NAMES, toldByStats } from "./none-told.ts"
import { REQUESTS, runTrial, SOON, type Trial } from "./trial.ts"

/** The same plan where some or all proxies write no access log: what counters can tell is exact, the rest says so. */
const SHARE = REQUESTS / 20
const YELB = join(import.meta.dirname, "../../../demo/yelb.yaml")
const HTTP_PROXIES = [
  "yelb-gateway_yelb",
  "yelb-ui-virtual-node",
  "yelb-appserver-virtual-node",
  "yelb-appserver-virtual-node-v2",
]
/** Part of the cut answers that two counters may be read around. In most runs none is: the assertion says how many were. */
const MOST_OPEN = 1 / 4
/** A gap is told when it has lasted for a minute, and lines may come 12 s late (docs/metrics.md). */
const GAP_MS = 75_000

interface Part {
  readonly name: string
  readonly requests: number
  readonly logs: LogPlan
  readonly modelFile?: string
  readonly sight: Sight
  /** What each proxy's state says, by its resource. */
  readonly state: Readonly<Record<string, string>>
}

const none = {
  inbound: "provenance=stats missing=inbound_log",
  both: "provenance=stats missing=inbound_log,outbound_log",
}
const TCP_ONLY = {
  "redis-server-virtual-node": "provenance=stats",
  "yelb-db-virtual-node": "provenance=stats",
}
const NO_LOGS = {
  ...TCP_ONLY,
  "yelb-gateway_yelb": none.both,
  "yelb-ui-virtual-node": none.both,
  "yelb-appserver-virtual-node": none.inbound,
  "yelb-appserver-virtual-node-v2": none.inbound,
}

const PARTS: readonly Part[] = [
  {
    name: "no logs at all, several routes to each node",
    requests: 7 * SHARE,
    logs: { "*": "none" },
    sight: { shared: ["yelb-appserver"], logged: [] },
    state: NO_LOGS,
  },
  {
    name: "no logs at all, one route to each service (the mesh as it was)",
    requests: 7 * SHARE,
    logs: { "*": "none" },
    modelFile: YELB,
    sight: { shared: [], logged: [] },
    state: NO_LOGS,
  },
  {
    name: "logs at the gateway and the ui alone",
    requests: 6 * SHARE,
    logs: { "yelb-gateway_yelb": "json", "yelb-ui-virtual-node": "json", "*": "none" },
    sight: { shared: ["yelb-appserver"], logged: ["yelb-gateway_yelb", "yelb-ui-virtual-node"] },
    state: {
      ...NO_LOGS,
      "yelb-gateway_yelb": "provenance=log",
      "yelb-ui-virtual-node": "provenance=log",
    },
  },
]

const trials: { readonly trial: Trial; readonly quietSince: number }[] = []
afterAll(async () => {
  for (const { trial } of trials) await trial.stand.stop()
})

describe.each(PARTS)("$name", ({ requests, logs, modelFile, sight, state }) => {
  let trial: Trial
  let wanted: readonly TruthCount[]

  beforeAll(async () => {
    trial = await runTrial({ logs, ...(modelFile === undefined ? {} : { modelFile }) }, requests)
    trials.push({ trial, quietSince: performance.now() })
    wanted = toldByStats(trial.truth, sight)
  }, 300_000)

  test("everything is told, once", async () => {
    const names = ["reporter"]
    await expect.poll(() => trial.told("requests", names), SOON).toEqual(truthBy(wanted, names))
  })

  test("each row's totals by code class and outcome are the truth's", async () => {
    // Two looks agree before what the clusters did not count is told.
    const rows = truthBy(wanted, TOLD_NAMES)
    await expect.poll(() => differences(rows, trial.told("requests", TOLD_NAMES)), SOON).toEqual([])
    // What stayed open is missing from rows of the same proxy that have it in truth.
    const names = ["reporter", "source", "code_class", "outcome"]
    expect(trial.told("requests", names)).toEqual(truthBy(wanted, names))
  })

  test("hardly any cut answer stays without a place", () => {
    const cuts = cutAnswers(wanted)
    const open = openCuts(trial.told("requests", TOLD_NAMES))
    expect(Object.keys(cuts)).toContain("reporter=source source=yelb-ui-virtual-node")
    const tooMany = Object.entries(open).filter(([who, count]) => count > MOST_OPEN * (cuts[who] ?? 0))
    expect(tooMany, `open: ${JSON.stringify(open)}, cut: ${JSON.stringify(cuts)}`).toEqual([])
  })

  test("no success is told that was none", () => {
    const rows = truthBy(wanted, TOLD_NAMES)
    const told = trial.told("requests", TOLD_NAMES)
    const good = Object.entries(told).filter(([key]) => key.endsWith("outcome=ok"))
    expect(good.length).toBeGreaterThan(0)
    // With each answer that stays open as many may that were good: that is the bound of the unmatched rows.
    const others = new Set(differences(rows, told).map(([key]) => key))
    const wrong = good.filter(([key, count]) => count > (rows[key] ?? 0))
    expect(wrong.filter(([key]) => !key.includes("(unmatched)") || others.has(key))).toEqual([])
  })

  test("failures are as many as requests that did not end ok", () => {
    const found = trial.told("requests", ["reporter", "outcome"])
    for (const key of Object.keys(found)) if (key.endsWith("outcome=ok")) delete found[key]
    expect(trial.told("failures", ["reporter", "outcome"])).toEqual(found)
  })

  test("each proxy's state says what a log would add", () => {
    const states = Object.entries(state).map(([name, words]) => [`proxy=${name}-0 ${words}`, 1])
    expect(trial.told("proxyInfo", ["proxy", "provenance", "missing"])).toEqual(Object.fromEntries(states))
    expect(HTTP_PROXIES.every((name) => name in state)).toBe(true)
  })
})

test("nothing is unaccounted, a minute after the last request", { timeout: 120_000 }, async () => {
  const [first] = trials
  if (first === undefined) throw new Error("no stand came up")
  await sleep(Math.max(0, first.quietSince + GAP_MS - performance.now()))
  for (const { trial } of trials)
    expect(trial.told("unaccounted", ["virtual_node", "virtual_gateway", "reporter"])).toEqual({})
})
