import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { appMeshEnvoy, podObject } from "../../fake/kubernetes/pods.ts"
import { istioBootstrap } from "../../fixtures/istio/bootstrap.ts"
import { FRONT_POD } from "../../fixtures/istio/shop.ts"
import { AgentProcess } from "../../live/rig/agent-process.ts"
import { type Stand, startEnvoys } from "../../live/rig/envoys.ts"
import { freePort } from "../../live/rig/free-port.ts"
import { pageCounts } from "../../live/rig/page-counts.ts"
import { type ApiServer, startApiServer } from "../rig/api-server.ts"
import { type RecordedEnvoys, recordedEnvoys } from "./recorded-envoys.ts"

/** A node with a hundred pods, of which each has an Envoy, and an agent that begins there. */
const PODS = 100
const HOSTS = Array.from({ length: PODS }, (_, at) => `127.43.1.${at + 1}`)
const PORT = 9901
const RECORDED = { host: "127.43.2.1", port: 15_000 }
/** The default time between two looks, ms. */
const INTERVAL_MS = 15_000

let server: ApiServer
let stand: Stand
let envoys: RecordedEnvoys

beforeAll(async () => {
  stand = await startEnvoys()
  const admin = `${RECORDED.host}:${RECORDED.port}`
  const bootstrap = istioBootstrap({ ...FRONT_POD, ip: RECORDED.host, captured: false, admin: RECORDED })
  await stand.envoy("recorded", bootstrap, admin)
  envoys = await recordedEnvoys(admin, HOSTS, PORT)
  server = await startApiServer()
  await Promise.all(HOSTS.map((ip, at) => makePod(`p${at}`, ip)))
}, 240_000)
afterAll(async () => {
  envoys?.stop()
  await server?.stop()
  await stand?.stop()
})

const POD_PATH = "/api/v1/namespaces/default/pods"

async function makePod(name: string, ip: string): Promise<void> {
  const { spec, status } = podObject({ node: "node-1", ip, containers: [appMeshEnvoy()] })
  await server.send("POST", POD_PATH, { metadata: { name }, spec })
  await server.send("PATCH", `${POD_PATH}/${name}/status`, { status })
}

/** How often pods were listed since the API server began, and how many watch them now. */
async function load(): Promise<{ readonly lists: number; readonly watches: number }> {
  const page = String(await server.send("GET", "/metrics"))
  const of = (metric: string, verb: string): number =>
    pageCounts(page, metric, ["verb", "resource"])[`verb=${verb} resource=pods`] ?? 0
  return {
    lists: of("apiserver_request_total", "LIST"),
    watches: of("apiserver_longrunning_requests", "WATCH"),
  }
}

test("an agent has read all of them within two intervals, by one list and one watch", async () => {
  const before = await load()
  const { url, tokenFile, caFile } = server
  const agent = await AgentProcess.prepare(stand.folder, `127.0.0.1:${await freePort()}`, {
    agent: { id: "a", state: join(stand.folder, "state") },
    discover: {
      kubernetes: { nodeName: "node-1", logs: stand.folder, api: { server: url, tokenFile, caFile } },
    },
  })
  const began = performance.now()
  agent.start()
  const page = await agent.until((text) => up(text).length === PODS, 2 * INTERVAL_MS)
  expect(performance.now() - began).toBeLessThan(2 * INTERVAL_MS)
  expect(new Set(up(page))).toEqual(new Set([1]))
  // Once for the names, and again after the first page of stats, so that no change falls between the two.
  const twice = new Map(HOSTS.map((host) => [host, 2] as const))
  expect(envoys.asked("/config_dump?include_eds")).toEqual(twice)
  const after = await load()
  expect(after).toEqual({ lists: before.lists + 1, watches: before.watches + 1 })
  expect(await agent.end("SIGTERM")).toBe(0)
}, 60_000)

const up = (page: string): readonly number[] => Object.values(pageCounts(page, "mesh_proxy_up", ["proxy"]))
