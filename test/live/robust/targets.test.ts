import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import { pageCounts, pageTotal } from "../rig/page-counts.ts"
import { REQUEST_NAMES, truthRequests } from "../rig/truth-counts.ts"
import { DEEDS, type HostileAdmin, startHostile } from "./admins.ts"
import { type AdminRelay, startRelay } from "./relay.ts"
import { type RobustAgent, type RobustRig, startRobustRig } from "./rig.ts"

/** Targets that are dead, refuse, hang, or answer with anything but Envoy's pages, beside a fleet of real Envoys. */
const V2 = "yelb-appserver-virtual-node-v2"
/**
 * What the agent takes from source beside real Envoys alone (170 MiB), the buffers of bodies that are kept (8 of 8 MiB),
 * and one largest page as text while it is judged (64 MiB), with room for garbage. A body that never ends would pass any
 * such bound within seconds.
 */
const MOST_RESIDENT = 330 * 1024 * 1024
const UI = "yelb-ui-virtual-node"
const EXPECTED: Readonly<Record<string, string>> = {
  hangs: "ADMIN_TIMEOUT",
  trickles: "ADMIN_TIMEOUT",
  babbles: "ADMIN_TIMEOUT",
  html: "ADMIN_BAD_ANSWER",
  short: "ADMIN_BAD_ANSWER",
  long: "ADMIN_BAD_ANSWER",
  redirects: "ADMIN_BAD_ANSWER",
  bomb: "ADMIN_BAD_ANSWER",
  odd: "ADMIN_BAD_ANSWER",
  deep: "ADMIN_BAD_ANSWER",
  endless: "ADMIN_TOO_LARGE",
  forbids: "ADMIN_REFUSED",
  gone: "ADMIN_UNREACHABLE",
}
let rig: RobustRig
let agent: RobustAgent
let relay: AdminRelay
const hostile = new Map<string, HostileAdmin>()

beforeAll(async () => {
  rig = await startRobustRig({ "*": "json", [V2]: "none" }, { seed: 11, mix: "everyday" })
  const { base } = rig.stage.fleet
  relay = await startRelay(`127.${base}.8.99`, rig.own(UI).admin)
  let host = 1
  for (const deed of Object.keys(DEEDS)) {
    if (deed in DEEDS)
      hostile.set(deed, await startHostile(deed as keyof typeof DEEDS, `127.${base}.8.${host++}`))
  }
})
afterAll(async () => {
  await rig?.stop()
  await relay?.stop()
  for (const admin of hostile.values()) await admin.stop()
})

const real = () =>
  rig.stage.fleet.proxies.map(({ pod }) => {
    const own = rig.own(pod.resource)
    return pod.resource === UI ? { ...own, admin: relay.address } : own
  })

/** How far each scrape of the relayed proxy was from where the rhythm of one second puts it, ms. */
function shifts(fromMs: number): number[] {
  const at = relay.asked
    .filter(({ path, atMs }) => path === "/stats?usedonly" && atMs > fromMs)
    .map(({ atMs }) => atMs)
  return at.slice(1).map((ms, index) => Math.abs(ms - (at[index] ?? 0) - 1000))
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

test("hostile targets are said once each, and cost the real ones nothing", { timeout: 90_000 }, async () => {
  await rig.target(real())
  agent = await rig.startAgent()
  await agent.until("all are up", (page) => pageTotal(page, "mesh_proxy_up") === real().length)
  const gone = `127.${rig.stage.fleet.base}.8.200:9901`
  await rig.target([
    ...real(),
    ...[...hostile].map(([name, { address }]) => ({ name, admin: address, logs: [] })),
    { name: "gone", admin: gone, logs: [] },
  ])
  const names = Object.keys(EXPECTED)
  await agent.until(
    "all are known",
    (page) => Object.keys(upOf(page)).length === real().length + names.length,
  )
  const fromMs = performance.now()
  await sleep(9000)
  const disturbed = shifts(fromMs)
  expect(disturbed.length).toBeGreaterThanOrEqual(7)
  expect(median(disturbed)).toBeLessThan(100)

  await rig.stage.run(2500)
  const wanted = truthRequests((await rig.stage.truth()).requests)
  await expect
    .poll(async () => pageCounts(await agent.page(), "mesh_requests_total", REQUEST_NAMES), {
      timeout: 10_000,
    })
    .toEqual(wanted)

  const page = await agent.page()
  const up = upOf(page)
  for (const name of names) expect([name, up[name]]).toEqual([name, 0])
  for (const { name } of real()) expect([name, up[name]]).toEqual([name, 1])
  // The page says why, beside each of those that are down and no other.
  const why = pageCounts(page, "mesh_proxy_problem", ["proxy", "page", "reason"])
  const down = Object.keys(why).filter((key) => key.includes("page=stats"))
  const expected = Object.entries(EXPECTED).map(
    ([name, code]) => `proxy=${name} page=stats reason=${code.replace("ADMIN_", "").toLowerCase()}`,
  )
  expect(down.toSorted()).toEqual(expected.toSorted())
  // Nobody is named after what a stranger said.
  expect(page).not.toMatch(/flavor="plain"|mesh="default"/)
  expect(pageCounts(page, "mesh_agent_targets", ["state"])).toEqual({
    "state=up": real().length,
    "state=down": names.length,
  })
  const results = Object.keys(pageCounts(page, "mesh_agent_scrapes_total", ["result"]))
  expect(results.toSorted()).toEqual(
    ["bad_answer", "ok", "refused", "timeout", "too_large", "unreachable"].map(
      (result) => `result=${result}`,
    ),
  )
  // The redirect was not followed, and nothing but reading was asked of anybody.
  for (const { asked } of hostile.values())
    for (const path of asked) expect(path).toMatch(/^\/(config_dump|stats|server_info)/)
})

test("the log holds each problem of each page once", () => {
  const lines = agent.command.log.filter(({ level }) => level === "warn")
  const keys = lines.map(({ target, page, code }) => `${target} ${page} ${code}`)
  expect(keys).toEqual([...new Set(keys)])
  for (const [name, code] of Object.entries(EXPECTED)) {
    const own = lines.filter(({ target }) => target === name)
    const pages = ["config_dump", "stats", ...(name === "forbids" ? ["server_info"] : [])]
    expect([name, new Set(own.map((line) => line.page))]).toEqual([name, new Set(pages)])
    expect([name, new Set(own.map((line) => line.code))]).toEqual([name, new Set([code])])
    expect(own[0]?.message).toMatch(/admin interface|config dump/)
  }
  expect(lines.filter(({ target }) => !(String(target) in EXPECTED))).toEqual([])
  expect(agent.command.log.filter(({ level }) => level === "error")).toEqual([])
})

test("targets that are taken away leave no trace, and memory stays within bounds", async () => {
  await rig.target(real())
  const page = await agent.until("they are gone", (now) => Object.keys(upOf(now)).length === real().length)
  expect(pageCounts(page, "mesh_agent_targets", ["state"])).toEqual({ "state=up": real().length })
  expect(page).not.toContain("mesh_proxy_problem{")
  expect(Number(/^process_resident_memory_bytes (\S+)$/m.exec(page)?.[1])).toBeLessThan(MOST_RESIDENT)
  // Those under way may still end; they must not come back.
  await sleep(2500)
  expect(Object.keys(upOf(await agent.page()))).toHaveLength(real().length)
})

/** `mesh_proxy_up` by proxy. */
function upOf(page: string): Readonly<Record<string, number>> {
  const found = page.matchAll(/^mesh_proxy_up\{.*proxy="([^"]+)"\} (\d)$/gm)
  return Object.fromEntries([...found].map(([, name = "", value]) => [name, Number(value)]))
}
