import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { Truth, TruthCount } from "../../../demo/truth.ts"
import type { Counts } from "../rig/counts.ts"
import { pageCounts } from "../rig/page-counts.ts"
import { REQUEST_NAMES, truthRequests } from "../rig/truth-counts.ts"
import { type AdminRelay, type RelayMode, startRelay } from "./relay.ts"
import { type RobustAgent, type RobustRig, startRobustRig, told } from "./rig.ts"

/**
 * Real Envoys behind a proxy of their admin interface that refuses some paths, and later does not: what may not be read
 * is said, nothing is made up for it, and what comes back is counted from where it stands.
 */
const GATEWAY = "yelb-gateway_yelb"
const UI = "yelb-ui-virtual-node"
const APP = "yelb-appserver-virtual-node"
const V2 = "yelb-appserver-virtual-node-v2"
let rig: RobustRig
let agent: RobustAgent
const relays = new Map<string, AdminRelay>()
let before: Truth

beforeAll(async () => {
  const logs = { "*": "json", [V2]: "none", [UI]: "text" } as const
  rig = await startRobustRig(logs, { model: "plain", seed: 12, mix: "everyday", rate: 250 })
  let host = 1
  for (const resource of [GATEWAY, UI, APP, V2]) {
    relays.set(resource, await startRelay(`127.${rig.stage.fleet.base}.8.${host++}`, rig.own(resource).admin))
  }
  await rig.target(
    rig.stage.fleet.proxies.map(({ pod }) => {
      const own = rig.own(pod.resource)
      return { ...own, admin: relays.get(pod.resource)?.address ?? own.admin }
    }),
  )
})
afterAll(async () => {
  await rig?.stop()
  for (const relay of relays.values()) await relay.stop()
})

function behave(resource: string, mode: (path: string) => RelayMode): void {
  const relay = relays.get(resource)
  if (relay !== undefined) relay.mode = mode
}

const seenBy = ({ reporter, source, virtualNode, virtualGateway }: TruthCount): string =>
  reporter === "destination" ? virtualNode : source === "" ? virtualGateway : source
const of = ({ requests }: Truth, resources: readonly string[]): Counts =>
  truthRequests(requests.filter((row) => resources.includes(seenBy(row))))

const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0)
/** How many lines a node logged: what it saw itself, its calls, its connections, its health checks. */
function linesOf({ requests, tcp, healthChecks }: Truth, resource: string): number {
  return (
    sum(requests.filter((row) => seenBy(row) === resource).map(({ count }) => count)) +
    sum(tcp.filter(({ source }) => source === resource).map(({ connections }) => connections)) +
    sum(healthChecks.filter(({ virtualNode }) => virtualNode === resource).map(({ count }) => count))
  )
}

/** Sends requests while something happens. Answers what has to be told then: what was told, and what came meanwhile. */
async function underLoad(happen: () => Promise<void>): Promise<Counts> {
  const start = pageCounts(await agent.page(), "mesh_requests_total", REQUEST_NAMES)
  const known = truthRequests((await rig.stage.truth()).requests)
  const ended = new AbortController()
  const load = rig.stage.run(100_000, ended.signal)
  await happen()
  ended.abort()
  await load
  const wanted = Object.entries(truthRequests((await rig.stage.truth()).requests)).map(
    ([key, count]) => [key, count - (known[key] ?? 0) + (start[key] ?? 0)] as const,
  )
  return Object.fromEntries(wanted.filter(([, count]) => count > 0))
}

/** The page of stats that the node was asked for last. */
const lastStatsPath = (): string | undefined =>
  relays.get(V2)?.asked.findLast(({ path }) => path.startsWith("/stats") && !path.includes("format"))?.path

/** Answers of the node without an access log, as it saw them itself. */
function answeredBy(page: string, metric: string): number {
  const counts = pageCounts(page, metric, ["reporter", "provenance", "code_class"])
  const own = Object.entries(counts).filter(
    ([key]) => key.startsWith("reporter=destination provenance=stats") && !key.endsWith("code_class=none"),
  )
  return sum(own.map(([, count]) => count))
}

const info = (page: string, resource: string): string | undefined =>
  page.split("\n").find((line) => line.startsWith("mesh_proxy_info{") && line.includes(`="${resource}"`))

const noDump = (path: string): RelayMode => (path.startsWith("/config_dump") ? "forbid" : "pass")

test("what may not be read is said, and counts as nothing but doubts", { timeout: 60_000 }, async () => {
  behave(GATEWAY, () => "forbid")
  behave(UI, noDump)
  behave(APP, noDump)
  behave(V2, (path) => (path.startsWith("/stats?") ? "forbid" : "pass"))
  agent = await rig.startAgent()
  await agent.until("all were asked", (page) => page.match(/^mesh_proxy_up\{/gm)?.length === 6)
  await rig.stage.run(800)
  before = await rig.stage.truth()
  const page = await told(agent, of(before, [V2]))

  const doubts = pageCounts(page, "mesh_unmapped_requests_total", ["virtual_node", "reason"])
  for (const resource of [UI, APP]) {
    expect([resource, doubts[`virtual_node=${resource} reason=direction`]]).toEqual([
      resource,
      linesOf(before, resource),
    ])
    expect(info(page, resource)).toContain('missing="config_dump')
  }
  expect(info(page, GATEWAY)).toBeUndefined()
  expect(info(page, V2)).toContain('provenance="stats",missing="inbound_log"')
  expect(pageCounts(page, "mesh_agent_targets", ["state"])).toEqual({ "state=up": 5, "state=down": 1 })
  expect(page).toContain('mesh_proxy_up{proxy="yelb-gateway_yelb-0"} 0')
})

test("once it may be read, all is exact: held lines too, doubts stay what they were", {
  timeout: 60_000,
}, async () => {
  for (const resource of relays.keys()) behave(resource, () => "pass")
  await agent.until("all are known", (page) => page.match(/^mesh_proxy_info\{/gm)?.length === 6)
  await agent.until("nothing is missing", (page) =>
    [...relays.keys()].every((resource) => info(page, resource)?.includes("config_dump") === false),
  )
  await rig.stage.run(800)
  const after = await rig.stage.truth()
  const blind = of(before, [UI, APP])
  const wanted = Object.entries(truthRequests(after.requests)).map(
    ([key, count]) => [key, count - (blind[key] ?? 0)] as const,
  )
  const page = await told(agent, Object.fromEntries(wanted.filter(([, count]) => count > 0)))
  expect(pageCounts(page, "mesh_agent_targets", ["state"])).toEqual({ "state=up": 6 })
  expect(pageCounts(page, "mesh_unaccounted_requests_total", ["virtual_node", "virtual_gateway"])).toEqual({})
})

test("targets that fail in turn and come back: no request lost, none twice", {
  timeout: 60_000,
}, async () => {
  const wanted = await underLoad(async () => {
    for (const mode of ["hang", "html", "vanish", "forbid"] as const) {
      for (const resource of [UI, V2]) behave(resource, () => mode)
      await sleep(2500)
      for (const resource of [UI, V2]) behave(resource, () => "pass")
      await agent.until(`back after ${mode}`, (page) => page.match(/^mesh_proxy_up\{.*\} 1$/gm)?.length === 6)
      await sleep(1200)
    }
  })
  const page = await told(agent, wanted)
  expect(pageCounts(page, "mesh_unaccounted_requests_total", ["virtual_node", "virtual_gateway"])).toEqual({})
  expect(info(page, UI)).not.toContain("config_dump")
})

test("the cheap page of stats is forbidden, later the other one: neither change counts anything twice", {
  timeout: 60_000,
}, async () => {
  const wanted = await underLoad(async () => {
    for (const [forbidden, next] of [
      ["/stats?", "/stats/prometheus?usedonly"],
      ["/stats/", "/stats?usedonly"],
    ] as const) {
      await sleep(2000)
      behave(V2, (path) => (path.startsWith(forbidden) ? "forbid" : "pass"))
      await expect.poll(lastStatsPath, { timeout: 5000 }).toBe(next)
      await sleep(2000)
    }
  })
  const page = await told(agent, wanted)
  // Durations of the two pages have other buckets: what came between the last look at one and the first at the other is
  // lost to them. Envoy merges them every 5 s.
  const answered = answeredBy(page, "mesh_requests_total")
  await sleep(6500)
  const measured = answeredBy(await agent.page(), "mesh_request_duration_seconds_count")
  expect(measured).toBeLessThanOrEqual(answered)
  expect(measured).toBeGreaterThan(answered / 2)
})

test("the log tells each turn of it once", () => {
  const ofUi = agent.command.log.filter(({ target, page }) => target === `${UI}-0` && page === "stats")
  const codes = ofUi.map(({ level, code, message }) => (level === "warn" ? code : message))
  expect(codes).toEqual([
    "ADMIN_TIMEOUT",
    "The page can be read again.",
    "ADMIN_BAD_ANSWER",
    "The page can be read again.",
    "ADMIN_UNREACHABLE",
    "The page can be read again.",
    "ADMIN_REFUSED",
    expect.stringMatching(/can be read/),
  ])
})
