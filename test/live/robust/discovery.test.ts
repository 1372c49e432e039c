import { writeFile } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { Target } from "../../../demo/targets.ts"
import { pageCounts } from "../rig/page-counts.ts"
import { REQUEST_NAMES, truthRequests } from "../rig/truth-counts.ts"
import { type RobustAgent, type RobustRig, startRobustRig, told } from "./rig.ts"
import { RisingWatch } from "./rising.ts"

/** The targets file changes under load: what is renamed, edited, broken, taken away and brought back counts once. */
const UI = "yelb-ui-virtual-node"
const APP = "yelb-appserver-virtual-node"
const V2 = "yelb-appserver-virtual-node-v2"
let rig: RobustRig
let agent: RobustAgent
let all: readonly Target[]

beforeAll(async () => {
  rig = await startRobustRig(
    { "*": "json", [V2]: "none" },
    { model: "plain", seed: 13, mix: "everyday", rate: 200 },
  )
  all = rig.stage.fleet.proxies.map(({ pod }) => rig.own(pod.resource))
  await rig.target(all)
  agent = await rig.startAgent()
  await agent.until("all are up", (page) => up(page).length === all.length)
})
afterAll(async () => {
  await rig?.stop()
})

const up = (page: string): string[] =>
  [...page.matchAll(/^mesh_proxy_up\{.*proxy="([^"]+)"\} 1$/gm)].map(([, name = ""]) => name).toSorted()

/** What destinations without an access log saw. */
function sumOf(page: string, metric: string, wanted: (key: string) => boolean = () => true): number {
  const counts = pageCounts(page, metric, ["reporter", "provenance", "code_class"])
  return Object.entries(counts)
    .filter(([key]) => key.startsWith("reporter=destination provenance=stats") && wanted(key))
    .reduce((sum, [, count]) => sum + count, 0)
}

/** Requests go on while `work` changes targets; afterwards every count equals the truth, and none fell meanwhile. */
async function underLoad(work: () => Promise<void>): Promise<string> {
  const ended = new AbortController()
  const load = rig.stage.run(100_000, ended.signal)
  const rising = new RisingWatch()
  const watching = (async () => {
    while (!ended.signal.aborted) {
      rising.take(await agent.page())
      await sleep(200)
    }
  })()
  await sleep(1000)
  try {
    await work()
    await sleep(1500)
  } finally {
    ended.abort()
    await load
    await watching
  }
  const wanted = truthRequests((await rig.stage.truth()).requests)
  const page = await told(agent, wanted, 8_000)
  expect(rising.complaints).toEqual([])
  // Each answer of a side that stats count has its duration, no more and no fewer. Envoy merges them every 5 s.
  const answered = sumOf(page, "mesh_requests_total", (key) => !key.includes("code_class=none"))
  await expect
    .poll(async () => sumOf(await agent.page(), "mesh_request_duration_seconds_count"), { timeout: 10_000 })
    .toBe(answered)
  return page
}

const renamed = (target: Target, more: string): Target => ({ ...target, name: `${target.name}${more}` })
const isOf = (target: Target, resource: string): boolean => target.name === `${resource}-0`
const some = (target: Target): boolean => [UI, APP, V2].some((resource) => isOf(target, resource))

test("targets get other names", { timeout: 60_000 }, async () => {
  const others = all.map((target) => (some(target) ? renamed(target, "-b") : target))
  const page = await underLoad(async () => {
    await rig.target(others)
    await agent.until(
      "the new names are up",
      (now) =>
        up(now).join() ===
        others
          .map(({ name }) => name)
          .toSorted()
          .join(),
    )
  })
  expect(page).not.toContain(`proxy="${UI}-0"`)
})

test("targets get their old names back while the agent is down", { timeout: 60_000 }, async () => {
  expect(await agent.command.end("SIGTERM")).toMatchObject({ code: 0 })
  await rig.target(all)
  agent = await rig.startAgent()
  await agent.until("the old names are up", (page) => up(page).length === all.length)
  await underLoad(() => sleep(1000))
})

test("targets get labels", { timeout: 60_000 }, async () => {
  const page = await underLoad(async () => {
    await rig.target(all.map((target) => (some(target) ? { ...target, labels: { team: "a" } } : target)))
    await agent.until(
      "they were taken up",
      () => agent.command.log.filter(({ message }) => message.startsWith("The set of proxies")).length === 2,
    )
  })
  expect(up(page)).toHaveLength(all.length)
})

test("a broken file changes nothing and is said once", { timeout: 60_000 }, async () => {
  const before = agent.command.log.length
  const page = await underLoad(async () => {
    await writeFile(rig.stage.fleet.targetsFile, "targets:\n  - {name: a, admin: [\n")
    await sleep(1500)
    await writeFile(rig.stage.fleet.targetsFile, "targets: []\nmore: 1\n")
    await sleep(1000)
    await rig.target(all)
    await sleep(500)
  })
  expect(up(page)).toHaveLength(all.length)
  const said = agent.command.log.slice(before)
  expect(said.map(({ code, message }) => code ?? message)).toEqual([
    "CONFIG_SYNTAX",
    "CONFIG_UNKNOWN_KEY",
    "The set of proxies changed.",
    "The targets can be read again.",
  ])
  expect(said.flatMap(({ message }) => /yaml:(\d+:\d+): /.exec(message)?.slice(1) ?? [])).toEqual([
    "3:1",
    "2:1",
  ])
})

test("targets are taken away: their gauges leave, their counters stay; back again, they count on", {
  timeout: 60_000,
}, async () => {
  const rest = all.filter((target) => !some(target))
  await rig.target(rest)
  const without = await agent.until("they are gone", (page) => up(page).length === rest.length)
  expect(without).not.toMatch(/^mesh_proxy_\w+\{.*yelb-ui-virtual-node-0/m)
  expect(pageCounts(without, "mesh_requests_total", REQUEST_NAMES)).toEqual(
    truthRequests((await rig.stage.truth()).requests),
  )
  await sleep(1500)
  await rig.target(all)
  await agent.until("they are back", (page) => up(page).length === all.length)
  await underLoad(() => sleep(500))
})
