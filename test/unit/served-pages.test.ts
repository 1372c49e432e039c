import { afterEach, expect, test } from "vitest"
import type { ProxyTarget } from "#mesh/proxy.ts"
import { parseTargets } from "#mesh/targets.ts"
import { appMeshPage, type PageServer, servePages } from "../fixtures/served/page-server.ts"
import { type Reading, startReading } from "../fixtures/served/reading.ts"

const TAGS = 'appmesh_mesh="yelb",appmesh_virtual_node="ui"'
const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

async function reading(): Promise<Reading> {
  const made = await startReading()
  undo.push(() => made.close())
  return made
}

async function server(...args: Parameters<typeof servePages>): Promise<PageServer> {
  const made = await servePages(...args)
  undo.push(() => made.close())
  return made
}

const at = ({ address }: PageServer, rest: Partial<ProxyTarget> = {}): ProxyTarget => ({
  name: "ui-1",
  admin: address,
  logs: [],
  serves: { kind: "prometheus", path: "/stats/prometheus" },
  ...rest,
})

test.each(["/stats/prometheus", "/metrics"] as const)(
  "where %s is served alone, nothing else is asked for, and the page says whose it is",
  async (path) => {
    const pages = await server(() => ({ text: appMeshPage({ v1: 5 }, TAGS) }))
    const line = await reading()
    await line.take(at(pages, { serves: { kind: "prometheus", path } }))
    await line.look()
    expect(pages.asked).toEqual([`GET ${path}?usedonly`, `GET ${path}?usedonly`])
    expect(line.series("proxyUp")).toEqual({ "mesh=yelb,flavor=app-mesh,virtual_node=ui,proxy=ui-1": 1 })
    const info = Object.keys(line.series("proxyInfo", ["virtual_node", "missing"]))
    expect(info).toEqual(["virtual_node=ui,missing=config,hosts,declared_model"])
  },
)

test("discovery's hint wins over the labels, and its words of what is missing are told", async () => {
  const pages = await server(() => ({ text: appMeshPage({ v1: 5 }, TAGS) }))
  const line = await reading()
  await line.take(at(pages, { hint: { resource: "web", mesh: "" }, gaps: ["log"] }))
  const info = line.series("proxyInfo", ["mesh", "virtual_node", "missing"])
  expect(Object.keys(info)).toEqual(["mesh=yelb,virtual_node=web,missing=config,hosts,log,declared_model"])
})

test("labels that nobody gave, or that differ, make no name: the proxy is there without one", async () => {
  const two = `${appMeshPage({ v1: 5 }, TAGS)}envoy_cluster_x{Mesh="yelb",VirtualNode="db"} 1\n`
  for (const text of [appMeshPage({ v1: 5 }), two]) {
    const pages = await server(() => ({ text }))
    const line = await reading()
    await line.take(at(pages))
    expect(line.series("proxyUp")).toEqual({ "proxy=ui-1": 1 })
    expect(Object.keys(line.series("proxyInfo", ["proxy", "missing"]))).toEqual([
      "proxy=ui-1,missing=config,hosts,identity",
    ])
    expect(line.series("requests")).toEqual({})
  }
})

const counted = (v1: number, more: Readonly<Record<string, number>> = {}): Record<string, number> => ({
  "reporter=destination,virtual_node=ui,outcome=ok": v1,
  "reporter=source,virtual_service=(unknown),route=(unknown),source=ui,virtual_node=app-v1,outcome=ok": v1,
  ...more,
})

test("requests are counted as far as names make them certain, from when their clusters showed", async () => {
  let text = appMeshPage({ v1: 5 }, TAGS)
  const pages = await server(() => ({ text }))
  const line = await reading()
  await line.take(at(pages))
  const labels = ["reporter", "virtual_service", "source", "virtual_node", "route", "outcome"]
  expect(line.series("requests", labels)).toEqual(counted(5))
  text = appMeshPage({ v1: 7 }, TAGS)
  await line.look()
  expect(line.series("requests", labels)).toEqual(counted(7))
  text = appMeshPage({ v1: 8, v2: 3 }, TAGS)
  await line.look()
  const v2 =
    "reporter=source,virtual_service=(unknown),route=(unknown),source=ui,virtual_node=app-v2,outcome=ok"
  expect(line.series("requests", labels)).toEqual(counted(8, { [v2]: 3 }))
})

test("connections to a node are told by the name of its cluster alone", async () => {
  const pages = await server(() => ({ text: appMeshPage({ v1: 5 }, TAGS) }))
  const line = await reading()
  await line.take(at(pages))
  expect(line.series("activeConnections", ["source", "virtual_node"])).toMatchObject({
    "source=ui,virtual_node=app-v1": 1,
  })
})

test("a page on which Envoy's own part is missing is no page of stats, and nothing is counted again after it", async () => {
  let text = appMeshPage({ v1: 5 }, TAGS)
  const pages = await server(() => ({ text }))
  const line = await reading()
  await line.take(at(pages))
  const before = line.series("requests")
  text = "# HELP app_requests x\napp_requests 12\n"
  await line.look()
  expect(line.series("proxyUp", ["proxy"])).toEqual({ "proxy=ui-1": 0 })
  expect(line.series("proxyProblem", ["page", "reason"])).toEqual({ "page=stats,reason=bad_answer": 1 })
  text = appMeshPage({ v1: 5 }, TAGS)
  await line.look()
  expect(line.series("requests")).toEqual(before)
  expect(line.series("proxyUp", ["proxy"])).toEqual({ "proxy=ui-1": 1 })
})

test("where nothing is served nothing is asked: the proxy is there by its hint, and nobody says that it is down", async () => {
  const pages = await server(() => ({ status: 500 }))
  const line = await reading()
  const hint = { flavor: "app-mesh", mesh: "yelb", role: "sidecar", resource: "ui" } as const
  await line.take(at(pages, { serves: { kind: "nothing" }, hint }))
  await line.look()
  expect(pages.asked).toEqual([])
  expect(line.series("proxyUp")).toEqual({})
  expect(Object.keys(line.series("proxyInfo", ["virtual_node", "proxy", "missing"]))).toEqual([
    "virtual_node=ui,proxy=ui-1,missing=config,hosts,declared_model",
  ])
})

test("after a restart the names of the last page are known before the proxy answers", async () => {
  const pages = await server(() => ({ text: appMeshPage({ v1: 5 }, TAGS) }))
  const first = await startReading()
  await first.take(at(pages))
  const second = await first.restart()
  undo.push(() => second.close())
  await pages.close()
  await second.take(at(pages))
  expect(second.series("proxyUp")).toEqual({ "mesh=yelb,flavor=app-mesh,virtual_node=ui,proxy=ui-1": 0 })
})

test.each([
  ["", undefined],
  [", serves: { kind: prometheus }", { kind: "prometheus", path: "/stats/prometheus" }],
  [", serves: { kind: prometheus, path: /metrics }", { kind: "prometheus", path: "/metrics" }],
  [", serves: { kind: service-connect }", { kind: "service-connect" }],
  [", serves: { kind: nothing }", { kind: "nothing" }],
  [", serves: { kind: pushed }", { kind: "pushed" }],
])("a listed target%s", (text, serves) => {
  const listed = parseTargets({ file: "t", text: `targets: [{ name: a, admin: "h:1"${text} }]`, env: {} })
  expect(listed[0]?.serves).toEqual(serves)
})

test("a listed target with a path that nothing has is refused", () => {
  const text =
    'targets: [{ name: a, admin: "h:1", serves: { kind: nothing, path: /metrics }, hint: { mesh: m } }]'
  expect(() => parseTargets({ file: "t", text, env: {} })).toThrow("expects kind: prometheus, not nothing")
})

const sending = (name: string, port: number): string =>
  `{ name: ${name}, admin: "10.0.0.7:${port}", serves: { kind: pushed } }`

test("two listed targets that send from one host are refused", () => {
  const text = `targets: [${sending("a", 1)}, ${sending("b", 2)}]`
  expect(() => parseTargets({ file: "t", text, env: {} })).toThrow("is the host of another target that sends")
})
