import { dirname, join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { DoctorReport } from "../../../mesh/doctor-report.ts"
import { appMeshEnvoy } from "../../fake/kubernetes/pods.ts"
import type { AgentProcess } from "../../live/rig/agent-process.ts"
import { pageCounts, pageTotal } from "../../live/rig/page-counts.ts"
import { RunningCommand } from "../../live/robust/command.ts"
import { type Admins, addressesOf, startAdmins } from "./admins.ts"
import { type Recorded, recordedEnvoy } from "./recorded.ts"
import { type Relay, startRelay } from "./relay.ts"
import { complaints, timesSaid } from "./said.ts"
import { AGENT_ROLE, RIGHTS, type Site, startSite } from "./site.ts"

/** The chart's role loses one verb after the other under a running agent. */
const MENDED = "The targets can be read again."

let site: Site
let recorded: Recorded
let admins: Admins
let relay: Relay
let agent: AgentProcess
let addresses: readonly string[]

beforeAll(async () => {
  recorded = await recordedEnvoy()
  site = await startSite()
  addresses = addressesOf(site.base, 32, 4)
  admins = await startAdmins(recorded, addresses)
  relay = await startRelay(Number(new URL(site.server.url).port))
  await place(0)
  await place(1)
  agent = await site.agent({ scrape: { interval: "2s" } }, relay.port)
  agent.start()
  await agent.until((page) => pageTotal(page, "mesh_proxy_up") === 2, 60_000)
})
afterAll(async () => {
  await site?.stop()
  await relay?.stop()
  await admins?.stop()
})

const place = (at: number): Promise<string> =>
  site.put({
    name: `web-${at}`,
    ip: addresses[at] ?? "",
    containers: [{ name: "app" }, appMeshEnvoy({ APPMESH_RESOURCE_ARN: recorded.nodeId })],
  })

async function allow(...verbs: string[]): Promise<void> {
  const rules = [{ apiGroups: [""], resources: ["pods"], verbs }]
  await site.server.send("PATCH", `${RIGHTS}/clusterroles/${AGENT_ROLE}`, { rules })
}

/** What `doctor` says is missing of our rights. */
async function lacking(): Promise<readonly (readonly [subject: string, todo: string])[]> {
  const file = join(dirname(agent.logFile), "agent.yaml")
  const { out, code } = await new RunningCommand(["doctor", "--config", file, "--json"]).ended
  const { checks } = JSON.parse(out) as DoctorReport
  const found = checks.filter(({ area, state }) => area === "kubernetes" && state === "missing")
  expect(code).toBe(checks.some(({ state }) => state === "missing") ? 1 : 0)
  return found.map(({ subject, todo }) => [subject, todo])
}

const upNow = async (): Promise<number> => pageTotal((await agent.page()) ?? "", "mesh_proxy_up")
const failures = async (): Promise<number> =>
  pageCounts((await agent.page()) ?? "", "mesh_agent_discovery_failures_total", ["discovery"])[
    "discovery=kubernetes"
  ] ?? 0
const says = (sentence: string) => async () =>
  (await complaints(agent.logFile)).filter(({ message }) => message.startsWith(sentence)).length

const refusal = (verb: string): string =>
  `The Kubernetes API server at https://127.0.0.1:${relay.port} does not let us ${verb} pods in all namespaces (403). Give our service account a ClusterRole with the verb ${verb} for pods.`
const advice = (verb: string) => [
  `${verb} pods in all namespaces`,
  `Add to its ClusterRole: apiGroups: [""], resources: [pods], verbs: [${verb}].`,
]

test("with the chart's role nothing is missing", async () => {
  expect(await lacking()).toEqual([])
  expect(await complaints(agent.logFile)).toEqual([])
})

test("without watch the last set stays, and both the log and doctor name the verb", async () => {
  await allow("list")
  relay.cut()
  await expect.poll(says(refusal("watch")), { timeout: 20_000 }).toBe(1)
  expect(await lacking()).toEqual([advice("watch")])
  expect(await upNow()).toBe(2)
  expect(await failures()).toBeGreaterThan(0)
  await allow("list", "watch")
  await expect.poll(() => timesSaid(agent.logFile, MENDED), { timeout: 60_000 }).toBe(1)
  await place(2)
  await expect.poll(upNow, { timeout: 20_000 }).toBe(3)
}, 120_000)

test("without list a watch goes on; where it must begin anew, the last set stays and the verb is named", async () => {
  await allow("watch")
  relay.cut()
  await place(3)
  await expect.poll(upNow, { timeout: 20_000 }).toBe(4)
  expect(await says(refusal("list"))()).toBe(0)
  expect(await lacking()).toEqual([advice("list")])
  // A new API server remembers no version from before it was there.
  await site.server.restart()
  await expect.poll(says(refusal("list")), { timeout: 60_000 }).toBe(1)
  expect(await upNow()).toBe(4)
  await allow("list", "watch")
  await expect.poll(upToDate, { timeout: 60_000 }).toBe(true)
  await site.remove("web-3")
  await expect.poll(upNow, { timeout: 20_000 }).toBe(3)
  expect(await lacking()).toEqual([])
}, 180_000)

/** The last word of the log on discovery is that all is well. */
async function upToDate(): Promise<boolean> {
  return (await timesSaid(agent.logFile, MENDED)) >= 2
}
