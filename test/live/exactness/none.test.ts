import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, describe, expect, test } from "vitest"
import type { LogPlan } from "../../../demo/logs.ts"
import type { Truth } from "../../../demo/truth.ts"
import { type Counts, exposed } from "../rig/exposed.ts"
import { type Stand, startStand } from "../rig/stand.ts"
import { reporterIn, type Sight, sums, TOLD_NAMES, toldByStats, unplacedCuts } from "./none-told.ts"

/** The same plan where some or all proxies write no access log: what counters can tell is exact, the rest says so. */
const SHARE = Number(process.env["EXACT_REQUESTS"] ?? 20_000) / 20
const YELB = join(import.meta.dirname, "../../../demo/yelb.yaml")
const HTTP_PROXIES = [
  "yelb-gateway_yelb",
  "yelb-ui-virtual-node",
  "yelb-appserver-virtual-node",
  "yelb-appserver-virtual-node-v2",
]
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

const stands: { readonly stand: Stand; readonly quietSince: number }[] = []
afterAll(async () => {
  for (const { stand } of stands) await stand.stop()
})

describe.each(PARTS)("$name", ({ requests, logs, modelFile, sight, state }) => {
  let stand: Stand
  let truth: Truth
  let wanted: Counts
  const told = (metric: Parameters<typeof exposed>[1], names: readonly string[]): Counts =>
    exposed(stand.agent.pipeline.ledger.snapshot, metric, names)

  test("everything is told, once", { timeout: 300_000 }, async () => {
    stand = await startStand({ logs, seed: 7, ...(modelFile === undefined ? {} : { modelFile }) })
    await stand.stage.run(requests)
    truth = await stand.stage.truth()
    stands.push({ stand, quietSince: performance.now() })
    expect(truth.sent).toBe(requests)
    expect(truth.undecided).toEqual([])
    wanted = toldByStats(truth, sight)
    await expect
      .poll(() => sums(told("requests", TOLD_NAMES), reporterIn), { timeout: 20_000, interval: 500 })
      .toEqual(sums(wanted, reporterIn))
  })

  test("each row's totals by code class and outcome are the truth's", async () => {
    // Two looks agree before what the clusters did not count is told.
    await expect
      .poll(() => differences(wanted, told("requests", TOLD_NAMES)), { timeout: 20_000, interval: 500 })
      .toEqual([])
    // What stayed open is missing from rows of the same proxy that have it in truth.
    expect(sums(told("requests", TOLD_NAMES), classIn)).toEqual(sums(wanted, classIn))
  })

  test("no success is told that was none", () => {
    const found = Object.entries(told("requests", TOLD_NAMES))
    const placed = found.filter(([key]) => key.endsWith("outcome=ok") && !key.includes("(unmatched)"))
    expect(placed.length).toBeGreaterThan(0)
    expect(placed.filter(([key, count]) => count > (wanted[key] ?? 0))).toEqual([])
  })

  test("failures are as many as requests that did not end ok", () => {
    const found = told("requests", ["reporter", "outcome"])
    for (const key of Object.keys(found)) if (key.endsWith("outcome=ok")) delete found[key]
    expect(told("failures", ["reporter", "outcome"])).toEqual(found)
  })

  test("each proxy's state says what a log would add", () => {
    const states = told("proxyInfo", ["proxy", "provenance", "missing"])
    expect(states).toEqual(
      Object.fromEntries(Object.entries(state).map(([name, words]) => [`proxy=${name}-0 ${words}`, 1])),
    )
    expect(HTTP_PROXIES.every((name) => name in state)).toBe(true)
  })
})

test("nothing is unaccounted, a minute after the last request", { timeout: 120_000 }, async () => {
  const [first] = stands
  if (first === undefined) throw new Error("no stand came up")
  await sleep(Math.max(0, first.quietSince + GAP_MS - performance.now()))
  for (const { stand } of stands) {
    const { snapshot } = stand.agent.pipeline.ledger
    expect(exposed(snapshot, "unaccounted", ["virtual_node", "virtual_gateway", "reporter"])).toEqual({})
  }
})

/**
 * Rows that differ, with what was wanted and told. Where it stayed open whose answers were cut, the good and cut answers
 * of the routes that it may be are left aside: in this plan the appserver alone cuts answers.
 */
function differences(wanted: Counts, found: Counts): (readonly [string, number, number])[] {
  const open = Object.keys(unplacedCuts(found)).length > 0
  return [...new Set([...Object.keys(wanted), ...Object.keys(found)])]
    .filter((key) => !(open && mayBeCut(key)))
    .map((key) => [key, wanted[key] ?? 0, found[key] ?? 0] as const)
    .filter(([, a, b]) => a !== b)
}

const mayBeCut = (key: string): boolean =>
  key.includes("code_class=2xx") && /yelb-appserver|\(unmatched\)/.test(key)

/** Who told it, and how it ended. */
const classIn = (key: string): string =>
  `${reporterIn(key)} ${/code_class=\S+ outcome=\S+/.exec(key)?.[0] ?? ""} ${/ source=\S+/.exec(key)?.[0] ?? ""}`
