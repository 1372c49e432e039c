import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, afterEach, beforeAll, expect, test } from "vitest"
import type { Counts } from "../rig/counts.ts"
import { pageCounts, pageTotal } from "../rig/page-counts.ts"
import { REQUEST_NAMES, truthRequests } from "../rig/truth-counts.ts"
import { type SmallDisk, startSmallDisk } from "./disk.ts"
import { type RobustAgent, type RobustRig, startRobustRig } from "./rig.ts"
import { RisingWatch } from "./rising.ts"

/** The disk of the state folder is full: what is exposed stands still and says so, requests go on being read. */
const V2 = "yelb-appserver-virtual-node-v2"
let rig: RobustRig
let disk: SmallDisk | undefined

beforeAll(async () => {
  rig = await startRobustRig({ "*": "json", [V2]: "none" }, { model: "plain", seed: 14, mix: "everyday" })
  await rig.target(rig.stage.fleet.proxies.map(({ pod }) => rig.own(pod.resource)))
})
afterEach(async () => {
  await disk?.stop()
  disk = undefined
})
afterAll(async () => {
  await rig?.stop()
})

interface OnDisk {
  readonly disk: SmallDisk
  readonly start: () => Promise<RobustAgent>
  /** What is said when it is full. */
  readonly words: string
}

/** An agent whose state is on a disk of so many bytes. */
async function onDisk(name: string, bytes: number): Promise<OnDisk> {
  const state = join(rig.runDir, name)
  await mkdir(state)
  const small = await startSmallDisk(state, bytes)
  disk = small
  return {
    disk: small,
    start: () => rig.startAgent({ agent: { id: name, state } }, small.before),
    words: `${state}/state.sqlite cannot be written: database or disk is full.`,
  }
}

const frozen = (page: string): boolean => /^mesh_agent_state_frozen 1$/m.test(page)
const health = async (agent: RobustAgent): Promise<string> => {
  const answer = await fetch(agent.url.replace("/metrics", "/healthz"))
  return `${answer.status} ${await answer.text()}`
}

const equal = (agent: RobustAgent, wanted: Counts, of = (counts: Counts) => counts): Promise<void> =>
  expect
    .poll(async () => of(pageCounts(await agent.page(), "mesh_requests_total", REQUEST_NAMES)), {
      timeout: 10_000,
      interval: 200,
    })
    .toEqual(of(wanted))
/** What logs tell: of the node without one, an agent that begins later knows only what came since. */
const logged = (counts: Counts): Counts =>
  Object.fromEntries(
    Object.entries(counts).filter(([key]) => !key.startsWith(`reporter=destination virtual_node=${V2}`)),
  )
const truth = async (): Promise<Counts> => truthRequests((await rig.stage.truth()).requests)
const linesRead = (page: string): number => pageTotal(page, "mesh_agent_lines_read_total")
const said = (agent: RobustAgent): readonly string[] =>
  agent.command.log
    .filter(({ level }) => level !== "info")
    .map(({ code = "", message }) => `${code} ${message}`)

async function ready(agent: RobustAgent): Promise<void> {
  await agent.until("all are up", (page) => pageTotal(page, "mesh_proxy_up") === 6)
}

test("a disk that is full freezes what is exposed, and nothing else", { timeout: 90_000 }, async () => {
  const { disk: small, start, words } = await onDisk("full", 16 * 1024 * 1024)
  const agent = await start()
  const rising = new RisingWatch()
  const watched = new AbortController()
  const watching = (async () => {
    for (; !watched.signal.aborted; await sleep(100)) rising.take(await agent.page())
  })()
  await ready(agent)
  await rig.stage.run(300)
  const before = await truth()
  await equal(agent, before)
  expect(await health(agent)).toBe("200 ok\n")

  small.fill()
  const still = await agent.page()
  await rig.stage.run(500)
  const page = await agent.until("it says that it is frozen", frozen)
  await agent.until("requests go on being read", (now) => linesRead(now) > linesRead(still) + 1000)
  await sleep(2500)
  expect(pageCounts(await agent.page(), "mesh_requests_total", REQUEST_NAMES)).toEqual(before)
  expect(pageTotal(page, "mesh_proxy_up")).toBe(6)
  expect(await health(agent)).toBe(`503 ${words}\n`)
  expect(said(agent)).toEqual([`STATE_UNWRITABLE ${words}`])

  small.free()
  await equal(agent, await truth())
  expect(frozen(await agent.page())).toBe(false)
  expect(await health(agent)).toBe("200 ok\n")
  await rig.stage.run(200)
  await equal(agent, await truth())
  expect(said(agent)).toHaveLength(1)
  expect(agent.command.log.at(-1)?.message).toBe("The state can be written again.")
  watched.abort()
  await watching
  expect(rising.complaints).toEqual([])
  expect(rising.pages).toBeGreaterThan(50)
})

test("killed while the disk is full: the next agent begins frozen, and counts all once there is room", {
  timeout: 60_000,
}, async () => {
  const { disk: small, start, words } = await onDisk("killed", 16 * 1024 * 1024)
  const first = await start()
  await ready(first)
  await equal(first, await truth(), logged)
  small.fill()
  await rig.stage.run(300)
  await first.until("it is frozen", frozen)
  await first.command.end("SIGKILL")
  const second = await start()
  await second.until("it begins frozen", frozen)
  expect(await health(second)).toBe(`503 ${words}\n`)
  small.free()
  await second.until("it is not frozen any more", (page) => !frozen(page))
  await equal(second, await truth(), logged)
})

test("no room at all for a first state: the agent says so and ends", async () => {
  const { disk: small, start } = await onDisk("none", 1024 * 1024)
  small.fill()
  await expect(start()).rejects.toThrow(/none\/.*cannot be written: database or disk is full/)
})
