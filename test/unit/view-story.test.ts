import { describe, expect, it } from "vitest"
import type { RouteRow } from "../../collector/view/route-row.ts"
import { MESH, ROUTE, YelbStory } from "../fixtures/collector/yelb-story.ts"

const FIVE = { mesh: undefined, window: "5m" } as const
const ALL = { health: [], search: "", sort: "health", reverse: false, offset: 0, limit: 100 } as const

const rows = async (story: YelbStory): Promise<Map<string, RouteRow>> => {
  const view = await story.collector.answers.routes({ ...FIVE, ...ALL })
  return new Map(view.rows.map((row) => [row.name, row]))
}
const detail = async (story: YelbStory, name: string, filter: { caller?: string; target?: string } = {}) => {
  const id = (await rows(story)).get(name)?.id ?? ""
  const view = await story.collector.answers.route(id, {
    ...FIVE,
    caller: filter.caller ?? null,
    target: filter.target ?? null,
  })
  if (view === undefined) throw new Error(`no route ${name}`)
  return view
}

describe("a healthy mesh", () => {
  const story = new YelbStory().declare().proxies().hosts("v1", "ui", 2, 0).hosts("v2", "ui", 3, 0).minutes(6)

  it("says so with its base", async () => {
    const summary = await story.collector.answers.summary(FIVE)
    expect(summary.verdict).toEqual({
      health: "ok",
      sentence: "5 routes, none failing; 5 of 5 proxies answered.",
      routeId: null,
      since: null,
    })
    expect(summary.routes).toMatchObject({ total: 5, ok: 4, "no traffic": 1 })
    expect(summary.complete).toBe(true)
    expect(summary.completeness).toMatchObject({
      agentsKnown: 2,
      agentsSeen: 2,
      unaccountedRatio: 0,
      dataAgeSeconds: 15,
    })
    expect(summary.worst).toEqual([])
    expect(summary.meshes).toMatchObject([{ mesh: "yelb", health: "ok" }])
  })

  it("has one row per gateway route, route and service on a node, and never adds reporters", async () => {
    const found = await rows(story)
    expect([...found.keys()].toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      "db.yelb",
      "gw-ui",
      "main",
      "quiet",
      "ui.yelb",
    ])
    const numbers = (name: string) => found.get(name)?.numbers
    expect(numbers("gw-ui")).toMatchObject({ requests: 300, requestsPerSecond: 1, errorRatio: 0 })
    // The gateway's second pass is the service's number, once.
    expect(numbers("ui.yelb")).toMatchObject({ requests: 300 })
    expect(numbers("main")).toMatchObject({ requests: 300, ok: 300, p50Ms: 3, p95Ms: 4.8 })
    expect(found.get("main")).toMatchObject({
      health: "ok",
      kind: "route",
      reporter: "source",
      provenance: "log",
      declared: true,
      answered: 1,
      known: 1,
    })
    expect(found.get("gw-ui")).toMatchObject({ kind: "gateway_route", reporter: "gateway" })
  })

  it("shows what nobody called as no traffic, never as ok", async () => {
    expect((await rows(story)).get("quiet")).toMatchObject({
      health: "no traffic",
      numbers: { requests: 0, errorRatio: null, p95Ms: null },
    })
  })

  it("draws 60 minutes that end with the newest step", async () => {
    const points = (await rows(story)).get("main")?.points
    expect(points?.requests).toHaveLength(60)
    expect(points?.requests.slice(-7)).toEqual([null, 1, 1, 1, 1, 1, 1])
    expect(points?.errorRatio.slice(-7)).toEqual([null, 0, 0, 0, 0, 0, 0])
    expect(points?.p95Ms.at(-1)).toBe(4.8)
  })

  it("holds the declared tree with states, nodes by what they saw themselves", async () => {
    const view = await story.collector.answers.resources(FIVE)
    const [mesh] = view.meshes
    const names = mesh?.children.map((child) => `${child.kind} ${child.name} ${child.health}`)
    expect(names).toEqual([
      "virtual_gateway gw ok",
      "virtual_service ui.yelb ok",
      "virtual_service appserver.yelb ok",
      "virtual_service db.yelb ok",
      "virtual_router appserver-router ok",
      "virtual_node ui ok",
      "virtual_node v1 ok",
      "virtual_node v2 ok",
      "virtual_node db ok",
    ])
    const v2 = mesh?.children.find((child) => child.name === "v2")
    expect(v2).toMatchObject({
      numbers: { requests: 150 },
      hosts: { healthy: 3, total: 3, clients: 1 },
      nativeName: "v2",
      namespace: "yelb",
    })
    const db = mesh?.children.find((child) => child.kind === "virtual_node" && child.name === "db")
    expect(db).toMatchObject({
      numbers: null,
      tcp: { activeConnections: 12, openedPerSecond: 0.1, sentBytesPerSecond: 100 },
    })
    const router = mesh?.children.find((child) => child.kind === "virtual_router")
    expect(router?.children.map((child) => [child.name, child.health])).toEqual([
      ["main", "ok"],
      ["quiet", "no traffic"],
    ])
    expect(view.total).toBe(13)
  })

  it("draws boxes in layers and edges with what the callers measured", async () => {
    const graph = await story.collector.answers.graph(FIVE)
    const box = (id: string) => graph.nodes.find((node) => node.id === id)
    expect(box("mesh/yelb/virtualRouter/appserver-router/route/main")).toMatchObject({
      layer: 4,
      kind: "route",
      health: "ok",
    })
    expect(box("mesh/yelb/virtualService/appserver.yelb")?.calledBy).toEqual(["ui"])
    const edge = (id: string) => graph.edges.find((each) => each.id === id)
    const route = "mesh/yelb/virtualRouter/appserver-router/route/main"
    expect(edge(`target:${route}>mesh/yelb/virtualNode/v2`)).toMatchObject({
      requestsPerSecond: 0.5,
      errorRatio: 0,
      weight: 1,
      p95Ms: 4.8,
    })
    expect(
      edge("forward:mesh/yelb/virtualGateway/gw/gatewayRoute/gw-ui>mesh/yelb/virtualService/ui.yelb"),
    ).toMatchObject({ requestsPerSecond: 1 })
    expect(edge("target:mesh/yelb/virtualService/ui.yelb>mesh/yelb/virtualNode/ui")).toMatchObject({
      requestsPerSecond: 1,
      weight: 1,
    })
    expect(edge("target:mesh/yelb/virtualService/db.yelb>mesh/yelb/virtualNode/db")).toMatchObject({
      protocol: "tcp",
      requestsPerSecond: 0.1,
    })
    expect(
      edge("declared:mesh/yelb/virtualService/appserver.yelb>mesh/yelb/virtualRouter/appserver-router"),
    ).toMatchObject({ requestsPerSecond: 1 })
    const ids = new Set(graph.nodes.map((node) => node.id))
    expect(graph.edges.every(({ source, target }) => ids.has(source) && ids.has(target))).toBe(true)
    const again = await story.minutes(1).collector.answers.graph(FIVE)
    expect(again.topology).toBe(graph.topology)
  })

  it("lists proxies with what is known of each", async () => {
    const view = await story.collector.answers.proxies({ ...FIVE, offset: 0, limit: 2 })
    expect(view).toMatchObject({ total: 5, next: 2 })
    expect(view.rows[0]).toMatchObject({
      proxy: "db-1",
      agent: "two",
      host: "h-two",
      role: "sidecar",
      resource: "db",
      state: "live",
      version: "1.29.12",
      controlPlane: false,
      configAgeSeconds: 90 * 86_400,
      provenance: "log",
      missing: ["attempts", "grpc_status"],
      drifts: false,
    })
    expect(view.agents.map((agent) => [agent.id, agent.proxies, agent.reports])).toEqual([
      ["one", 3, true],
      ["two", 2, true],
    ])
  })
})

describe("one failing target", () => {
  const story = new YelbStory()
    .declare()
    .proxies()
    .hosts("v1", "ui", 2, 0)
    .hosts("v2", "ui", 0, 3)
    .minutes(10)
    .minutes(6, 10)

  it("is the verdict: what, since when, why", async () => {
    const summary = await story.collector.answers.summary(FIVE)
    expect(summary.verdict.health).toBe("failing")
    expect(summary.verdict.sentence).toMatch(
      /^main is failing since \d\d:\d\d: 16\.7 % errors, mostly UF\. Callers cannot connect to v2\. 5 routes, 1 failing, 0 degraded; 5 of 5 proxies answered\.$/,
    )
    const [worst] = summary.worst
    expect(worst?.name).toBe("main")
    expect(worst?.flagsTop).toEqual([{ flags: "UF", count: 50 }])
    const begun = Date.parse(summary.generatedAt) - 6 * 60_000
    expect(Date.parse(worst?.since ?? "")).toBe(begun)
  })

  it("shows on the route: numbers now and before, targets, flags, callers", async () => {
    const view = await detail(story, "main")
    expect(view.now).toMatchObject({ requests: 300, errors: 50, errorRatio: 50 / 300 })
    expect(view.now.attemptsPerRequest).toBeCloseTo((300 + 100) / 300, 9)
    expect(view.before).toMatchObject({ requests: 660, errors: 10 })
    expect(view.budget?.burnRate).toBeCloseTo(50 / 300 / 0.001, 6)
    expect(view.callers).toMatchObject([{ kind: "virtual_node", name: "ui", numbers: { errors: 50 } }])
    expect(
      view.targets.map(({ virtualNode, declaredShare, receivedShare, numbers }) => [
        virtualNode,
        declaredShare,
        receivedShare,
        numbers.errors,
      ]),
    ).toEqual([
      ["v1", 0.5, 0.5, 0],
      ["v2", 0.5, 0.5, 50],
    ])
    expect(view.targets[1]?.numbers.attemptsPerRequest).toBeCloseTo(250 / 150, 9)
    expect(view.flags).toEqual([
      {
        flags: "UF",
        meaning: "the upstream connection failed",
        answeredBy: "proxy",
        outcome: "error",
        virtualNode: "v2",
        count: 50,
        share: 1,
      },
    ])
    expect(view.codes).toEqual([
      { codeClass: "2xx", count: 250 },
      { codeClass: "5xx", count: 50 },
    ])
    expect(view.parents).toEqual([
      { kind: "virtual_service", name: "appserver.yelb", health: "failing" },
      { kind: "virtual_router", name: "appserver-router", health: "failing" },
    ])
    expect(view.charts.errors.slice(-7)).toEqual([0, ...Array(6).fill(10 / 60)])
    expect(view.nativeKind).toBe("VirtualRouter")
  })

  it("proves its cause with evidence and what would refute it", async () => {
    const { findings } = await detail(story, "main")
    expect(findings.map((finding) => finding.id)).toEqual([
      "no-hosts/v2",
      "one-target",
      "one-flag",
      "answered-by-proxy",
      "connections/v2",
    ])
    expect(findings[0]).toMatchObject({ sentence: "v2 has no healthy host: 0 of 3." })
    expect(findings[1]).toMatchObject({
      sentence: "All errors of this route are at v2.",
      evidence: ["v2: 50 errors in 150 requests.", "v1: none in 150."],
    })
    expect(findings[2]?.sentence).toBe("All errors are UF at v2: the upstream connection failed.")
    expect(findings[4]?.evidence).toEqual(["150 failed: refused."])
    expect(findings.every((finding) => finding.evidence.length > 0 && finding.refutation.length > 0)).toBe(
      true,
    )
  })

  it("takes a caller and a target as filters, and tells no latency of one caller", async () => {
    const v1 = await detail(story, "main", { target: "v1" })
    expect(v1.now).toMatchObject({ requests: 150, errors: 0, p50Ms: 3 })
    const ui = await detail(story, "main", { caller: "ui" })
    expect(ui.now).toMatchObject({ requests: 300, p50Ms: null, attemptsPerRequest: null })
    const nobody = await detail(story, "main", { caller: "nobody" })
    expect(nobody.now.requests).toBe(0)
  })

  it("stays failing when an agent falls silent, while clean rows become unknown", async () => {
    story.pass(15_000, ["one"]).pass(60_000, ["one"])
    const found = await rows(story)
    expect(found.get("main")?.health).toBe("failing")
    expect(found.get("gw-ui")?.health).toBe("unknown")
    const summary = await story.collector.answers.summary(FIVE)
    expect(summary.complete).toBe(false)
    expect(summary.completeness).toMatchObject({ proxiesAnswered: 2, proxiesKnown: 5, agentsSeen: 1 })
    expect(summary.silentAgents).toMatchObject([{ id: "one", proxies: ["gw-1", "ui-1", "v1-1"] }])
    const { rows: proxies } = await story.collector.answers.proxies({ ...FIVE, offset: 0, limit: 9 })
    expect(proxies.find((row) => row.proxy === "ui-1")?.state).toBe("silent")
  })
})

describe("what cannot be named", () => {
  const story = new YelbStory().declare().proxies().minutes(2)
  const stats = { protocol: "http", code_class: "5xx", outcome: "error", provenance: "stats" }
  for (const labels of [
    { ...ROUTE, route: "(ambiguous)" },
    { ...ROUTE, route: "(shared)" },
    { ...MESH, virtual_service: "(undeclared)", route: "(unmatched)" },
    { ...MESH, virtual_service: "(aws)" },
  ])
    story.one.add("requests", { ...labels, reporter: "source", source: "ui", ...stats }, 30)
  story.one.add(
    "requests",
    { ...MESH, reporter: "gateway", virtual_gateway: "gw", gateway_route: "(unmatched)", ...stats },
    30,
  )
  story.one.add("unmapped", { ...MESH, virtual_node: "ui", proxy: "ui-1", reason: "route_ambiguous" }, 30)
  story.one.add("unaccounted", { ...MESH, virtual_node: "ui", reporter: "source" }, 11)
  story.pass(15_000).pass(15_000)

  it("has rows of its own, marked and left out of tallies", async () => {
    const view = await story.collector.answers.routes({ ...FIVE, ...ALL })
    const synthetic = view.rows.filter((row) => row.synthetic !== null)
    expect(
      synthetic
        .map((row) => [row.synthetic, row.health, row.numbers.errors])
        .toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
    ).toEqual([
      ["ambiguous", "failing", 30],
      ["shared", "failing", 30],
      ["undeclared", "failing", 30],
      ["undeclared", "failing", 30],
      ["unmatched", "failing", 30],
    ])
    expect(view.routes).toMatchObject({ total: 5, failing: 0 })
    expect(synthetic.every((row) => row.why !== null && !row.declared && row.provenance === "stats")).toBe(
      true,
    )
    const summary = await story.collector.answers.summary(FIVE)
    expect(summary.verdict.health).toBe("failing")
    expect(summary.verdict.sentence).toContain(
      "5 routes, 0 failing, 0 degraded, requests without a known route failing;",
    )
  })

  it("is listed with reasons, and the share unaccounted stands beside every answer", async () => {
    const view = await story.collector.answers.unmapped(FIVE)
    expect(view.doubts).toMatchObject([
      { reason: "route_ambiguous", proxy: "ui-1", resource: "ui", count: 30, perSecond: 0.2 },
    ])
    expect(view.rows).toHaveLength(5)
    expect(view.completeness.unaccountedRatio).toBeGreaterThan(0)
    const { rows: proxies } = await story.collector.answers.proxies({ ...FIVE, offset: 0, limit: 9 })
    const counted = 120 + 4 * 30
    expect(proxies.find((row) => row.proxy === "ui-1")?.unaccountedRatio).toBeCloseTo(
      11 / (counted + 11 + 120),
      9,
    )
  })
})

describe("proxies in trouble", () => {
  it("are told apart: down, initializing, drifting; and a target whose proxies never became live is a finding", async () => {
    const story = new YelbStory().declare().proxies()
    const v2 = { ...MESH, virtual_node: "v2", proxy: "v2-1" }
    story.two
      .drop("proxyState", { ...v2, state: "live" })
      .set("proxyState", { ...v2, state: "initializing" }, 1)
    story.one.set("proxyUp", { ...MESH, virtual_node: "v1", proxy: "v1-1" }, 0)
    const replica = { ...MESH, virtual_node: "ui", proxy: "ui-2" }
    story.one.set("proxyUp", replica, 1).set("configAge", replica, 91 * 86_400)
    story.minutes(2, 5)
    const { rows: proxies } = await story.collector.answers.proxies({ ...FIVE, offset: 0, limit: 9 })
    expect(proxies.map((row) => [row.proxy, row.state, row.drifts])).toEqual([
      ["v2-1", "initializing", false],
      ["v1-1", "down", false],
      ["ui-2", "unknown", true],
      ["db-1", "live", false],
      ["gw-1", "live", false],
      ["ui-1", "live", false],
    ])
    const { findings } = await detail(story, "main")
    expect(findings.find((finding) => finding.id === "never-live/v2")).toMatchObject({
      sentence: "1 of 1 proxies of v2 never became live.",
      evidence: ["v2-1 is initializing, without a control plane."],
    })
  })
})

describe("the routes table", () => {
  const story = new YelbStory().declare().proxies().minutes(5, 3)
  const names = async (question: object): Promise<string[]> =>
    (await story.collector.answers.routes({ ...FIVE, ...ALL, ...question })).rows.map((row) => row.name)

  it.each([
    [{}, ["main", "gw-ui", "ui.yelb", "db.yelb", "quiet"]],
    [{ sort: "name" }, ["main", "quiet", "db.yelb", "gw-ui", "ui.yelb"]],
    [{ sort: "p95" }, ["gw-ui", "main", "quiet", "db.yelb", "ui.yelb"]],
    [{ sort: "errors", limit: 1 }, ["main"]],
    [{ search: "APPSERVER" }, ["main", "quiet"]],
    [{ health: ["no traffic"] }, ["quiet"]],
    [{ offset: 3 }, ["db.yelb", "quiet"]],
    [{ sort: "name", reverse: true, limit: 1 }, ["ui.yelb"]],
  ])("%j", async (question, wanted) => {
    expect(await names(question)).toEqual(wanted)
  })

  it("judges one mesh alone", async () => {
    story.one.add(
      "requests",
      {
        mesh: "other",
        flavor: "istio",
        reporter: "source",
        virtual_service: "s",
        route: "r",
        virtual_router: "s",
        source: "x",
        outcome: "ok",
        provenance: "log",
      },
      5,
    )
    story.pass(15_000).pass(15_000)
    const other = await story.collector.answers.routes({ ...FIVE, ...ALL, mesh: "other" })
    expect(other.rows.map((row) => row.name)).toEqual(["r"])
    expect(other.mesh).toBe("other")
    const none = await story.collector.answers.summary({ mesh: "nowhere", window: "5m" })
    expect(none.routes.total).toBe(0)
    expect(none.verdict.health).toBe("unknown")
  })
})

describe("nothing yet", () => {
  it("is called unknown, in words", async () => {
    const story = new YelbStory()
    const summary = await story.collector.answers.summary(FIVE)
    expect(summary.firstRun).toBe(true)
    expect(summary.verdict).toMatchObject({ health: "unknown", sentence: "No agent has reported yet." })
    expect(
      await story.collector.answers.route("r-000000000000000", { ...FIVE, caller: null, target: null }),
    ).toBeUndefined()
  })
})
