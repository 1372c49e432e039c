import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { createServer, type Server } from "node:net"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { DeclaredModelView } from "../../../collector/view/declared-model.ts"
import type { ProxiesView } from "../../../collector/view/proxies.ts"
import { ADMIN_PORT } from "../../../demo/control-plane/placement.ts"
import { samplesOf } from "../../../demo/exposition.ts"
import { appMeshEnvoy } from "../../fake/kubernetes/pods.ts"
import type { AgentProcess } from "../../live/rig/agent-process.ts"
import { pageCounts, pageTotal } from "../../live/rig/page-counts.ts"
import { type HostileAdmin, startHostile } from "../../live/robust/admins.ts"
import type { LogLine } from "../../live/robust/command.ts"
import { type Admins, addressesOf, startAdmins } from "./admins.ts"
import { type CollectorProcess, startCollectorProcess } from "./collector.ts"
import { declare, declareYelb, undeclare } from "./declarations.ts"
import { type Recorded, recordedEnvoy } from "./recorded.ts"
import { complaints, timesSaid } from "./said.ts"
import { type Site, startSite } from "./site.ts"

/** What is wrong in a cluster is told where a user looks for it, and disturbs nothing else. */
const GOOD = ["good-0", "good-1", "good-2"]
const SOON = { timeout: 30_000 }

let site: Site
let recorded: Recorded
let admins: Admins
let collector: CollectorProcess
let agent: AgentProcess
let addresses: readonly string[]
const hostile: (HostileAdmin | Noise)[] = []

beforeAll(async () => {
  recorded = await recordedEnvoy()
  site = await startSite()
  addresses = addressesOf(site.base, 32, 12)
  admins = await startAdmins(recorded, addresses.slice(0, 6))
  hostile.push(
    await startNoise(of(6)),
    await startHostile("trickles", of(7)),
    await startHostile("endless", of(8)),
  )
  await declareYelb(site)
  for (const [at, name] of GOOD.entries()) await place(name, at)
  collector = await startCollectorProcess(site)
  agent = await site.agent({
    scrape: { interval: "2s", timeout: "2s", maxPageBytes: "4MiB" },
    model: { collector: { url: collector.url, interval: "1s" } },
    publish: { otlp: { endpoint: collector.url, interval: "1s" } },
  })
  agent.start()
  await agent.until((page) => pageTotal(page, "mesh_proxy_up") === GOOD.length, 60_000)
})
afterAll(async () => {
  // First whoever watches: an API server that ends waits a minute for them.
  await collector?.stop()
  await site?.stop()
  await admins?.stop()
  for (const one of hostile) await one.stop()
})

const of = (at: number): string => addresses[at] ?? ""

const place = (name: string, at: number, annotations?: Readonly<Record<string, string>>): Promise<string> =>
  site.put({
    name,
    ip: of(at),
    containers: [{ name: "app" }, appMeshEnvoy({ APPMESH_RESOURCE_ARN: recorded.nodeId })],
    ...(annotations === undefined ? {} : { annotations }),
  })

interface Noise {
  stop(): Promise<void>
}

/** Answers each question with random bytes. */
async function startNoise(host: string): Promise<Noise> {
  const server: Server = createServer((socket) => {
    socket.on("error", () => socket.destroy())
    socket.once("data", () => socket.end(randomBytes(20_000)))
  })
  server.listen(ADMIN_PORT, host)
  await once(server, "listening")
  return {
    async stop() {
      const closed = once(server, "close")
      server.close()
      await closed
    },
  }
}

const model = (): Promise<DeclaredModelView> => collector.ask<DeclaredModelView>("/model")
const proxies = async (): Promise<ProxiesView["rows"]> =>
  (await collector.ask<ProxiesView>("/proxies?limit=500")).rows
const stateOf = async (name: string): Promise<ProxiesView["rows"][number] | undefined> =>
  (await proxies()).find(({ proxy }) => proxy === `meshscope/${name}`)
/** `mesh_proxy_up` by proxy. */
async function up(): Promise<Record<string, number>> {
  const samples = samplesOf((await agent.page()) ?? "", "mesh_proxy_up")
  return Object.fromEntries(samples.map(({ labels, count }) => [labels["proxy"] ?? "", count]))
}

/** The good ones are read and named, and nobody said a word about them. */
async function undisturbed(): Promise<void> {
  const now = await up()
  for (const name of GOOD) {
    expect(now[`meshscope/${name}`]).toBe(1)
    expect(await stateOf(name)).toMatchObject({
      state: "live",
      mesh: "yelb",
      resource: "yelb-appserver-virtual-node",
      problems: [],
    })
  }
  const said = await complaints(agent.logFile)
  expect(said.filter(({ target }) => GOOD.some((name) => target?.endsWith(name)))).toEqual([])
  expect(said.filter(({ level }) => level === "error")).toEqual([])
}

/** What the agent's log says of the pods that it cannot read. */
const unread = async (): Promise<readonly LogLine[]> =>
  (await complaints(agent.logFile)).filter(({ target }) => target === "discover.kubernetes")

/** Notes that are there now and not in `before`. */
const newNotes = async (before: DeclaredModelView): Promise<readonly string[]> =>
  (await model()).notes.filter((note) => !before.notes.includes(note))
const logged = (words: string): number =>
  collector.command.log.filter(({ message, code }) => message === words && code === "MODEL_INVALID").length

test("in good health nothing is complained of", async () => {
  await expect.poll(async () => (await model()).known, SOON).toBe(true)
  await expect
    .poll(async () => (await proxies()).map(({ state }) => state), SOON)
    .toEqual(["live", "live", "live"])
  await undisturbed()
})

test("two virtual nodes that select one pod, a reference to nothing, an object of a wrong shape", async () => {
  const before = await model()
  const [yelb] = before.meshes
  expect(before.notes).toEqual([])
  await declare(site, {
    kind: "VirtualNode",
    metadata: { name: "twin", namespace: "yelb" },
    spec: { podSelector: { matchLabels: { app: "yelb-appserver" } }, listeners: [] },
  })
  await declare(site, {
    kind: "VirtualService",
    metadata: { name: "nowhere", namespace: "yelb" },
    spec: { provider: { virtualRouter: { virtualRouterRef: { name: "no-such-router" } } } },
  })
  await declare(site, {
    kind: "VirtualRouter",
    metadata: { name: "odd", namespace: "yelb" },
    spec: { listeners: 7, routes: "many" },
  })
  await declare(site, {
    kind: "VirtualRouter",
    metadata: { name: "odder", namespace: "yelb" },
    spec: {
      routes: [null, { name: "r", httpRoute: { match: [], action: { weightedTargets: { a: 1 } } } }],
    },
  })
  await expect.poll(async () => (await newNotes(before)).length, SOON).toBe(5)
  const notes = await newNotes(before)
  expect(notes).toMatchInlineSnapshot(`
    [
      "VirtualNode yelb/twin: spec.podSelector: VirtualNode yelb/yelb-appserver selects every pod of it too",
      "VirtualRouter yelb/no-such-router is referred to but not declared; taken as no-such-router_yelb",
      "VirtualRouter yelb/odd: spec.routes: must be a list",
      "VirtualRouter yelb/odder: spec.routes[0].name: is missing",
      "VirtualRouter yelb/odder: spec.routes[1].httpRoute.action.weightedTargets: must be a list",
    ]
  `)
  await expect.poll(() => notes.map(logged), SOON).toEqual(notes.map(() => 1))
  // What is sound beside it is as it was.
  const after = await model()
  expect(after.sources.filter(({ state }) => state !== "ok")).toEqual([])
  expect(after.meshes.find(({ mesh }) => mesh === "yelb")).toMatchObject({
    mesh: "yelb",
    routes: yelb?.routes,
    gatewayRoutes: yelb?.gatewayRoutes,
  })
  await undisturbed()
  for (const [kind, name] of [
    ["VirtualNode", "twin"],
    ["VirtualService", "nowhere"],
    ["VirtualRouter", "odd"],
    ["VirtualRouter", "odder"],
  ] as const)
    await undeclare(site, kind, name)
  await expect.poll(async () => (await model()).notes, SOON).toEqual([])
  expect((await model()).meshes).toEqual(before.meshes)
}, 90_000)

test("admin ports with random bytes, one that is slow, one without an end", async () => {
  const wrong = { noise: "bad_answer", slow: "timeout", endless: "too_large" } as const
  for (const [at, name] of Object.keys(wrong).entries()) await place(name, 6 + at)
  const expected = Object.entries(wrong).map(
    ([name, reason]) => `proxy=meshscope/${name} page=stats reason=${reason}`,
  )
  await expect
    .poll(async () => {
      const why = pageCounts((await agent.page()) ?? "", "mesh_proxy_problem", ["proxy", "page", "reason"])
      return Object.keys(why)
        .filter((key) => key.includes("page=stats"))
        .toSorted()
    }, SOON)
    .toEqual(expected.toSorted())
  for (const [name, reason] of Object.entries(wrong)) {
    await expect.poll(async () => (await stateOf(name))?.state, SOON).toBe("down")
    const row = await stateOf(name)
    expect(row?.problems).toContainEqual(expect.objectContaining({ page: "stats", reason }))
    expect(row?.why).not.toBeNull()
    const lines = (await complaints(agent.logFile)).filter(({ target }) => target === `meshscope/${name}`)
    expect(new Set(lines.map(({ page }) => page))).toEqual(new Set(["config_dump", "stats"]))
    expect(lines).toHaveLength(2)
  }
  await undisturbed()
  for (const name of Object.keys(wrong)) await site.remove(name)
  await expect.poll(async () => Object.keys(await up()).length, SOON).toBe(GOOD.length)
  expect(await agent.page()).not.toContain("mesh_proxy_problem{")
}, 90_000)

test("a pod with hostile annotations is read, and its words are told without harm", async () => {
  const evil = `9901\u001B[31m,\n__proto__:1,${"x".repeat(100_000)}`
  await place("evil", 3, {
    "meshscope.dev/admin": evil,
    "prometheus.io/port": "99999999999999999999",
    "prometheus.io/path": "/quitquitquit",
    constructor: "{}",
  })
  // Whom it names does not exist; which port it names is nobody's.
  await place("liar", 4, { "meshscope.dev/admin": "nobody:9901" })
  await place("shut", 5, { "meshscope.dev/admin": "envoy:1" })
  await expect.poll(async () => (await up())["meshscope/evil"], SOON).toBe(1)
  await expect.poll(async () => (await up())["meshscope/liar"], SOON).toBe(1)
  await expect
    .poll(async () => (await unread()).map(({ message }) => message), SOON)
    .toEqual([
      "The annotation meshscope.dev/admin of the pod meshscope/evil expects a port, or container:port.",
      "The annotation meshscope.dev/admin of the pod meshscope/liar names no container of the pod: nobody.",
    ])
  await expect.poll(async () => (await stateOf("evil"))?.state, SOON).toBe("live")
  await expect.poll(async () => (await stateOf("shut"))?.state, SOON).toBe("down")
  expect((await stateOf("shut"))?.problems).toContainEqual(
    expect.objectContaining({ page: "stats", reason: "unreachable" }),
  )
  const everything = `${await agent.page()}${JSON.stringify(await proxies())}`
  expect(everything).not.toMatch(/xxxx|\\u001b|quitquitquit/i)
  await undisturbed()
  for (const name of ["evil", "liar", "shut"]) await site.remove(name)
  await expect.poll(async () => Object.keys(await up()).length, SOON).toBe(GOOD.length)
}, 90_000)

test("an API server that is killed: all stays as it was, and what changes later is seen", async () => {
  const before = await model()
  const said = (await unread()).length
  const back = site.server.restart()
  // Nobody listens, or one that has not read its own roles yet.
  await expect.poll(async () => (await unread()).length, SOON).toBeGreaterThan(said)
  expect((await model()).meshes).toEqual(before.meshes)
  await back
  expect(await unread()).toContainEqual(
    expect.objectContaining({ code: expect.stringMatching(/^KUBE_(UNREACHABLE|REFUSED)$/) }),
  )
  await expect
    .poll(async () => (await model()).sources.filter(({ problem }) => problem !== null), { timeout: 90_000 })
    .toEqual([])
  await expect
    .poll(() => timesSaid(agent.logFile, "The targets can be read again."), { timeout: 90_000 })
    .toBe(1)
  await undisturbed()
  await place("late", 3)
  await declare(site, {
    kind: "VirtualNode",
    metadata: { name: "late", namespace: "yelb" },
    spec: { podSelector: { matchLabels: { app: "late" } }, listeners: [] },
  })
  await expect.poll(async () => (await up())["meshscope/late"], SOON).toBe(1)
  await expect
    .poll(async () => (await model()).meshes[0]?.virtualNodes, SOON)
    .toBe((before.meshes[0]?.virtualNodes ?? 0) + 1)
}, 240_000)
