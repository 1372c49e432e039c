import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { type Clock, systemClock } from "#mesh/clock.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import { serviceConnect } from "../../agent/resolve/dialects/service-connect.ts"
import { type PageServer, servePages } from "../fixtures/served/page-server.ts"
import { type Reading, startReading } from "../fixtures/served/reading.ts"
import { configOf } from "./dialect-suite.ts"

const undo: (() => Promise<void>)[] = []
let folder: string
let socket: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sc-"))
  socket = join(folder, "appnet_admin.sock")
  undo.push(() => rm(folder, { recursive: true, force: true }))
})
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

async function reading(clock?: Clock): Promise<Reading> {
  const made = await startReading(clock)
  undo.push(() => made.close())
  return made
}

async function server(answer: Parameters<typeof servePages>[0]): Promise<PageServer> {
  const made = await servePages(answer, socket)
  undo.push(() => made.close())
  return made
}

const target = ({ address }: PageServer): ProxyTarget => ({
  name: "0a1b/service-connect",
  admin: address,
  logs: [],
  serves: { kind: "service-connect" },
  hint: { flavor: "service-connect", role: "sidecar" },
  gaps: ["config", "hosts", "log"],
})

/** What a proxy of Service Connect shows of its calls to `redis`, as far as the extension's names are public. */
function page(good: number, failed: number): string {
  const own = 'ClusterName="yelb",ServiceName="ui"'
  const out = `{${own},Direction="egress",TargetDiscoveryName="redis"`
  const lines = [
    `envoy_appmesh_HTTPCode_Target_2XX_Count${out}} ${good}`,
    `envoy_appmesh_HTTPCode_Target_5XX_Count${out}} ${failed}`,
    `envoy_appmesh_RequestCount{${own},Direction="ingress",DiscoveryName="ui"} 40`,
    `envoy_cluster_upstream_cx_active{envoy_cluster_name="anything",${own}} 2`,
    `envoy_server_live{${own}} 1`,
    `envoy_control_plane_connected_state{${own}} 0`,
    `envoy_server_uptime{${own}} 3`,
    ...[100, 250, "+Inf"].map(
      (le, index) =>
        `envoy_appmesh_TargetResponseTime_bucket${out},le="${le}"} ${[good, good, good + failed][index]}`,
    ),
    `envoy_appmesh_TargetResponseTime_sum${out}} ${good * 50}`,
    `envoy_appmesh_TargetResponseTime_count${out}} ${good + failed}`,
  ]
  return `# TYPE envoy_appmesh_HTTPCode_Target_2XX_Count counter\n${lines.join("\n")}\n`
}

describe("the socket", () => {
  test("is asked for one page and nothing else; the labels name the service, its calls and what is not told", async () => {
    let text = page(4, 1)
    const pages = await server(() => ({ text }))
    const line = await reading()
    await line.take(target(pages))
    text = page(6, 1)
    await line.look()
    expect(new Set(pages.asked)).toEqual(new Set(["GET /stats/prometheus?usedonly"]))
    expect(line.series("proxyUp")).toEqual({
      "mesh=(unknown),flavor=service-connect,virtual_node=ui,proxy=0a1b/service-connect": 1,
    })
    // What the socket's `/status` would tell.
    expect(line.series("proxyState", ["state"])).toMatchObject({ "state=live": 1 })
    expect(line.series("controlPlane", ["proxy"])).toEqual({ "proxy=0a1b/service-connect": 0 })
    const info = Object.keys(line.series("proxyInfo", ["provenance", "missing"]))
    expect(info).toEqual(["provenance=stats,missing=config,hosts,log,declared_model"])
    const labels = ["reporter", "virtual_service", "route", "source", "virtual_node", "outcome"]
    const edge = "reporter=source,virtual_service=redis,route=(unknown),source=ui,virtual_node=(unknown)"
    expect(line.series("requests", labels)).toEqual({
      [`${edge},outcome=ok`]: 6,
      [`${edge},outcome=error`]: 1,
    })
    const durations = line.pipeline.ledger.snapshot.families.find(({ key }) => key === "upstreamDuration")
    expect(durations?.series).toHaveLength(1)
  })

  test("that knows no parameter is asked without one", async () => {
    const pages = await server((path) => (path.includes("?") ? { status: 400 } : { text: page(4, 1) }))
    const line = await reading()
    await line.take(target(pages))
    await line.look()
    expect(pages.asked).toEqual([
      "GET /stats/prometheus?usedonly",
      "GET /stats/prometheus",
      "GET /stats/prometheus",
    ])
    expect(line.series("proxyUp", ["virtual_node"])).toEqual({ "virtual_node=ui": 1 })
  })

  test("that says 429 is left alone, each time for longer, and the proxy does not answer meanwhile", async () => {
    let busy = true
    const pages = await server(() => (busy ? { status: 429 } : { text: page(4, 1) }))
    let ahead = 0
    const line = await reading({ ...systemClock, monotonic: () => systemClock.monotonic() + ahead })
    await line.take(target(pages))
    for (let looks = 0; looks < 20; looks++) await line.look()
    expect(pages.asked).toHaveLength(1)
    expect(line.series("proxyProblem", ["page", "reason"])).toEqual({ "page=stats,reason=busy": 1 })
    expect(line.series("proxyUp", ["proxy"])).toEqual({ "proxy=0a1b/service-connect": 0 })
    ahead += 6000
    await line.look()
    ahead += 6000
    await line.look()
    expect(pages.asked).toHaveLength(2)
    ahead += 6000
    busy = false
    await line.look()
    await line.look()
    expect(pages.asked).toHaveLength(4)
    expect(line.series("proxyUp", ["virtual_node"])).toEqual({ "virtual_node=ui": 1 })
    expect(line.series("proxyProblem")).toEqual({})
  })

  test("is asked four times a second at most, however often somebody looks", async () => {
    const pages = await server(() => ({ text: page(4, 1) }))
    const line = await reading()
    const began = performance.now()
    await line.take(target(pages))
    for (let looks = 0; looks < 4; looks++) await line.look()
    expect(pages.asked).toHaveLength(5)
    expect(performance.now() - began).toBeGreaterThan(950)
  })
})

describe("names", () => {
  const hint = { proxy: "p", flavor: "service-connect" } as const
  test("the node id tells the service where a configuration is told", () => {
    const id = "arn:aws:ecs:us-east-1:111122223333:task-set/prod/redis/ecs-svc/7712488895199846139"
    expect(serviceConnect.claims(configOf(id), { proxy: "p" })).toBe(true)
    expect(serviceConnect.identify(configOf(id), { proxy: "p" })).toMatchObject({
      resource: "redis",
      mesh: "(unknown)",
    })
  })
  test("a mesh that nobody tells is unknown", () => {
    expect(serviceConnect.identify(configOf(""), hint)).toMatchObject({
      resource: "p",
      mesh: "(unknown)",
    })
    expect(serviceConnect.claims(configOf("mesh/yelb/virtualNode/ui"), { proxy: "p" })).toBe(false)
  })
})
