import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import { appMeshEnvoy } from "../../fake/kubernetes/pods.ts"
import type { AgentProcess } from "../../live/rig/agent-process.ts"
import { pageCounts, pageTotal } from "../../live/rig/page-counts.ts"
import { type Admins, addressesOf, startAdmins } from "./admins.ts"
import { podRequests } from "./pod-requests.ts"
import { type Recorded, recordedEnvoy } from "./recorded.ts"
import { NAMESPACE, type Site, startSite } from "./site.ts"

/** A node of 100 proxies, each with the pages of a real Envoy, half of them with its lines too. */
const PROXIES = 100
/** `scrape.interval` where nothing is said, ms. */
const INTERVAL_MS = 15_000
const WATCHED_MS = 60_000
const nameOf = (at: number): string => `web-${at}`
const withLog = (at: number): boolean => at % 2 === 0

let site: Site
let recorded: Recorded
let admins: Admins
let agent: AgentProcess

beforeAll(async () => {
  recorded = await recordedEnvoy()
  site = await startSite()
  const addresses = addressesOf(site.base, 32, PROXIES)
  admins = await startAdmins(recorded, addresses)
  await Promise.all(addresses.map((ip, at) => place(at, ip)))
  agent = await site.agent()
})
afterAll(async () => {
  await site?.stop()
  await admins?.stop()
})

async function place(at: number, ip: string): Promise<void> {
  const envoy = appMeshEnvoy({ APPMESH_RESOURCE_ARN: recorded.nodeId })
  const uid = await site.put({ name: nameOf(at), ip, containers: [{ name: "app" }, envoy] })
  if (!withLog(at)) return
  const folder = join(site.logs, `${NAMESPACE}_${nameOf(at)}_${uid}`, "envoy")
  await mkdir(folder, { recursive: true })
  const lines = recorded.lines.map((line) => `2026-11-21T10:00:00.000000000Z stdout F ${line}\n`)
  await writeFile(join(folder, "0.log"), lines.join(""))
}

test("all proxies are read within two intervals, by one list and one watch", async () => {
  const before = await podRequests(site)
  const began = performance.now()
  agent.start()
  await agent.until((page) => pageTotal(page, "mesh_proxy_up") === PROXIES, 2 * INTERVAL_MS)
  const tookMs = performance.now() - began
  expect(tookMs).toBeLessThan(2 * INTERVAL_MS)
  const all = (PROXIES / 2) * recorded.lines.length
  const page = await agent.until(
    (now) => (pageCounts(now, "mesh_agent_lines_read_total", ["kind"])["kind=access"] ?? 0) >= all,
  )
  expect(pageCounts(page, "mesh_agent_lines_read_total", ["kind"])).toEqual({ "kind=access": all })
  expect(pageCounts(page, "mesh_agent_targets", ["state"])).toEqual({ "state=up": PROXIES })
  expect(pageTotal(page, "mesh_agent_log_files")).toBe(PROXIES)

  await changingPods()
  const after = await podRequests(site)
  expect({ list: after.list - before.list, watch: after.open - before.open }).toEqual({ list: 1, watch: 1 })
  await agent.end("SIGTERM")
  // A watch is counted when it ends.
  await expect.poll(async () => (await podRequests(site)).watch - before.watch).toBe(1)
  const asked = (await site.audited()).map(({ verb, requestURI, stage }) => [
    verb,
    stage,
    new URL(requestURI, site.server.url).searchParams.get("fieldSelector"),
  ])
  const mine = "spec.nodeName=node-1"
  expect(asked).toEqual([
    ["list", "ResponseComplete", mine],
    ["watch", "ResponseStarted", mine],
    ["watch", "ResponseComplete", mine],
  ])
}, 150_000)

/** For a minute pods of the node come, change and go. */
async function changingPods(): Promise<void> {
  const end = performance.now() + WATCHED_MS
  for (let turn = 0; performance.now() < end; turn++) {
    await site.put({ name: `job-${turn}`, ip: `10.0.0.${1 + (turn % 250)}` })
    const path = `/api/v1/namespaces/${NAMESPACE}/pods/${nameOf(turn % PROXIES)}`
    await site.server.send("PATCH", path, { metadata: { labels: { turn: String(turn) } } })
    if (turn > 0) await site.remove(`job-${turn - 1}`)
    await sleep(500)
  }
  const page = await agent.page()
  expect(pageTotal(page ?? "", "mesh_proxy_up")).toBe(PROXIES)
}
