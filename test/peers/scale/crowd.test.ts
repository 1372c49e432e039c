import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import { samplesOf } from "../../../demo/exposition.ts"
import { appMeshEnvoy, podObject } from "../../fake/kubernetes/pods.ts"
import type { AgentProcess } from "../../live/rig/agent-process.ts"
import { pageCounts, pageTotal } from "../../live/rig/page-counts.ts"
import type { Program } from "../cluster/program.ts"
import { type Admins, startAdmins } from "./admins.ts"
import { startKubelet } from "./kwok.ts"
import { type Recorded, recordedEnvoy } from "./recorded.ts"
import { type Relay, startRelay } from "./relay.ts"
import { timesSaid } from "./said.ts"
import { NAMESPACE, NODE, type Site, startSite } from "./site.ts"

/** Thousands of pods, of which few are on our node and fewer have an Envoy. */
const PODS = 5000
const HERE = 300
const MESHED = 50
/** Pods that a rollout replaces, and how many of them have an Envoy. */
const REPLACED = 100
const REPLACED_MESHED = 40
/** From the start of the process to the first whole group, ms: a list of 300 pods takes a moment, Node.js its time. */
const FIRST_GROUP_MS = 15_000
/** What an agent takes from source with as many proxies (170 MiB), and room for garbage. */
const MOST_RESIDENT = 300 * 1024 ** 2
/** A pod is some 3 KB of JSON; twice that for 300 pods is an eighth of what all 5,000 are. */
const MOST_BYTES_A_POD = 6000
/** The time between two groups that discovery keeps, ms. */
const SETTLE_MS = 200
const SENDERS = 16
const PODS_PATH = `/api/v1/namespaces/${NAMESPACE}/pods`
const CHANGED = "The set of proxies changed."

let site: Site
let recorded: Recorded
let admins: Admins
let relay: Relay
let kubelet: Program
let agent: AgentProcess

beforeAll(async () => {
  recorded = await recordedEnvoy()
  site = await startSite()
  const net = (third: number) => Array.from({ length: 256 }, (_, at) => `127.${site.base}.${third}.${at}`)
  // Addresses are given by whoever plays the kubelet, out of two nets.
  admins = await startAdmins(recorded, [...net(32), ...net(33)])
  relay = await startRelay(Number(new URL(site.server.url).port))
  kubelet = await startKubelet(site, NODE, `127.${site.base}.32.0/23`)
  await inTurn(PODS, (at) => make(`pod-${at}`, at < MESHED, at < HERE ? NODE : `node-${2 + (at % 16)}`))
  await running(HERE)
  agent = await site.agent({ scrape: { interval: "5s" } }, relay.port)
})
afterAll(async () => {
  await kubelet?.end()
  await site?.stop()
  await relay?.stop()
  await admins?.stop()
})

/** Some at a time. */
async function inTurn(count: number, work: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: SENDERS }, async () => {
      while (next < count) await work(next++)
    }),
  )
}

async function make(name: string, meshed: boolean, node = NODE): Promise<void> {
  const envoy = appMeshEnvoy({ APPMESH_RESOURCE_ARN: recorded.nodeId })
  const containers = [{ name: "app" }, ...(meshed ? [envoy] : [])]
  const { metadata, spec } = podObject({ name, node, containers })
  await site.server.send("POST", PODS_PATH, { metadata: { name, labels: metadata.labels }, spec })
}

/** Waits until so many pods of our node run, and no others are there. */
async function running(count: number): Promise<void> {
  const path = `/api/v1/pods?resourceVersion=0&fieldSelector=spec.nodeName%3D${NODE}`
  await kubelet.until(
    `${count} pods run`,
    async () => {
      const { items } = (await site.server.send("GET", path)) as { items: { status: { phase: string } }[] }
      return items.length === count && items.every(({ status }) => status.phase === "Running")
    },
    300_000,
  )
}

/** Names of the pods whose proxies are known, whether they answer or not. */
const upOf = (page: string): readonly string[] =>
  samplesOf(page, "mesh_proxy_up").map(({ labels }) => labels["proxy"]?.replace(/^.*\//, "") ?? "")
const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}-${at}`)

test("of 5,000 pods only the node's are transferred; the first group comes soon, memory is bounded", async () => {
  const began = performance.now()
  agent.start()
  await expect
    .poll(() => timesSaid(agent.logFile, CHANGED), { timeout: FIRST_GROUP_MS, interval: 50 })
    .toBe(1)
  const firstMs = performance.now() - began
  const page = await agent.until((now) => pageTotal(now, "mesh_proxy_up") === MESHED, 30_000)
  expect(upOf(page).toSorted()).toEqual(names("pod", MESHED).toSorted())
  expect(firstMs).toBeLessThan(FIRST_GROUP_MS)
  expect(residentOf(page)).toBeLessThan(MOST_RESIDENT)
  expect(relay.received()).toBeLessThan(HERE * MOST_BYTES_A_POD)
}, 120_000)

test("a rollout of a hundred pods: what stays is never gone, nobody is lost or left over, and groups are few", async () => {
  const before = { bytes: relay.received(), groups: await timesSaid(agent.logFile, CHANGED) }
  const began = performance.now()
  const stays = names("pod", MESHED).slice(REPLACED_MESHED)
  const over = new AbortController()
  const missed = missedOf(stays, over.signal)
  const old = [
    ...names("pod", REPLACED_MESHED),
    ...names("pod", HERE).slice(HERE - (REPLACED - REPLACED_MESHED)),
  ]
  await inTurn(REPLACED, async (at) => {
    await make(`new-${at}`, at < REPLACED_MESHED)
    await site.server.send("DELETE", `${PODS_PATH}/${old[at] ?? ""}`)
    // Elsewhere things happen too, and are none of ours.
    await site.server.send("PATCH", `${PODS_PATH}/pod-${HERE + at}`, { metadata: { labels: { turn: "1" } } })
  })
  await running(HERE)
  const expected = [...stays, ...names("new", REPLACED_MESHED)].toSorted()
  await expect
    .poll(async () => upOf((await agent.page()) ?? "").toSorted(), { timeout: 30_000 })
    .toEqual(expected)
  over.abort()
  expect(await missed).toEqual([])
  const groups = (await timesSaid(agent.logFile, CHANGED)) - before.groups
  expect(groups).toBeLessThan((performance.now() - began) / SETTLE_MS + 1)
  expect(groups).toBeLessThan(2 * REPLACED)
  // Each of them changes some four times until it runs, and some twice until it is gone.
  expect(relay.received() - before.bytes).toBeLessThan(REPLACED * 6 * MOST_BYTES_A_POD)
  const page = (await agent.page()) ?? ""
  expect(pageCounts(page, "mesh_agent_targets", ["state"])).toEqual({ "state=up": MESHED })
  expect(residentOf(page)).toBeLessThan(MOST_RESIDENT)
  const verbs = (await site.audited()).map(({ verb, stage }) => `${verb} ${stage}`)
  expect(verbs).toEqual(["list ResponseComplete", "watch ResponseStarted"])
}, 240_000)

/** Looks at the agent's page again and again. @returns which of these were not on it once */
async function missedOf(stays: readonly string[], over: AbortSignal): Promise<readonly string[]> {
  const missed = new Set<string>()
  while (!over.aborted) {
    const page = await agent.page()
    const now = new Set(upOf(page ?? ""))
    for (const name of stays) if (page !== undefined && !now.has(name)) missed.add(name)
    await sleep(250)
  }
  return [...missed]
}

const residentOf = (page: string): number => Number(/^process_resident_memory_bytes (\S+)$/m.exec(page)?.[1])
