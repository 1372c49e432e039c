import { Hono } from "hono"
import { describe, expect, it } from "vitest"
import { MISSING } from "../../agent/resolve/missing.ts"
import { mountPages } from "../../collector/page/routes.ts"
import { GAP_WORDS, gapOf } from "../../mesh/gap-words.ts"
import { RECOMMENDED_JSON } from "../../mesh/recommended-format.ts"
import { EveryKind } from "../fixtures/collector/every-kind.ts"
import { MESH, YelbStory } from "../fixtures/collector/yelb-story.ts"

const FIVE = { mesh: undefined, window: "5m" } as const
const UI = { ...MESH, virtual_node: "ui", proxy: "ui-1" }
const STRANGER = { proxy: "stranger" }

/** One proxy that nobody could ask yet, one that stopped answering, one whose certificates may not be read. */
function story(): YelbStory {
  const made = new YelbStory().declare().proxies().minutes(2)
  const { one } = made
  one.set("proxyUp", STRANGER, 0)
  for (const page of ["config_dump", "stats"])
    one.set("proxyProblem", { ...STRANGER, page, reason: "unreachable" }, 1)
  one.set("proxyUp", UI, 0)
  one.set("proxyProblem", { ...UI, page: "stats", reason: "timeout" }, 1)
  one.set(
    "proxyProblem",
    { ...MESH, virtual_gateway: "gw", proxy: "gw-1", page: "certs", reason: "refused" },
    1,
  )
  one.add("unmapped", { ...UI, reason: "forgeable" }, 5)
  return made.pass(15_000).pass(15_000)
}

async function pageOf(made: Pick<YelbStory, "collector">, path = "/proxies"): Promise<string> {
  const app = new Hono()
  mountPages(app, made.collector.answers)
  return (await (await app.request(path)).text()).replaceAll("<wbr>", "")
}

describe("a proxy that is not live", () => {
  it("says why, in the answer and on the page", async () => {
    const made = story()
    const { rows } = await made.collector.answers.proxies({ ...FIVE, offset: 0, limit: 99 })
    const row = (name: string) => rows.find(({ proxy }) => proxy === name)
    expect(row("ui-1")).toMatchObject({
      state: "down",
      role: "sidecar",
      why: "its admin interface does not answer in time",
      problems: [{ page: "stats", reason: "timeout" }],
    })
    expect(row("gw-1")).toMatchObject({
      state: "live",
      why: null,
      problems: [{ page: "certs", reason: "refused" }],
    })
    const html = await pageOf(made)
    expect(html).toMatch(/down since \d\d:\d\d/)
    expect(html).toContain("its admin interface does not answer in time")
    expect(html).toMatch(/page certs since \d\d:\d\d: refused/)
  })

  it("is not given a role that nobody knows", async () => {
    const made = story()
    const { rows } = await made.collector.answers.proxies({ ...FIVE, offset: 0, limit: 99 })
    expect(rows.find(({ proxy }) => proxy === "stranger")).toMatchObject({
      mesh: "",
      role: null,
      resource: "",
      state: "down",
      why: "no connection to its admin interface",
    })
    const html = await pageOf(made)
    expect(html).toContain("node or gateway not known: its configuration was never read")
    expect(html).not.toMatch(/sidecar of\s*</)
    expect(await pageOf(made, "/")).toMatch(
      /Proxy <a href="\/proxies">stranger<\/a>, of a node or gateway that is not known, does not answer since/,
    )
    expect(html).toContain("1 of them could not be asked yet which mesh it is of")
  })

  it("makes no mesh without a name, and may be of every mesh", async () => {
    const made = story()
    const summary = await made.collector.answers.summary(FIVE)
    expect(summary.meshes.map(({ mesh }) => mesh)).toEqual(["yelb"])
    const { meshes } = await made.collector.answers.resources(FIVE)
    expect(meshes.map(({ name }) => name)).toEqual(["yelb"])
    for (const mesh of [undefined, "yelb"]) {
      const { completeness } = await made.collector.answers.summary({ ...FIVE, mesh })
      expect(completeness).toMatchObject({ complete: false, proxiesKnown: 6, proxiesAnswered: 4 })
    }
    expect(await pageOf(made, "/")).toContain('<option value="">all meshes</option>')
  })

  it("leaves the edges known whose own reporters all answer", async () => {
    const { edges } = await story().collector.answers.graph(FIVE)
    const health = (part: string) => edges.find(({ id }) => id.includes(part))?.health
    expect(health("target:mesh/yelb/virtualService/ui.yelb>")).toBe("ok")
    expect(health("target:mesh/yelb/virtualService/db.yelb>")).toBe("ok")
    expect(health("target:mesh/yelb/virtualRouter/appserver-router/route/main>")).toBe("unknown")
    expect(health("call:mesh/yelb/virtualNode/ui>")).toBe("unknown")
  })

  it("without a word of its agent is given no reason", async () => {
    const made = new YelbStory().declare().proxies()
    made.one.set("proxyUp", UI, 0)
    const { rows } = await made.minutes(1).collector.answers.proxies({ ...FIVE, offset: 0, limit: 99 })
    expect(rows[0]).toMatchObject({ proxy: "ui-1", why: "its agent does not say why", problems: [] })
  })
})

function told(spans: string): YelbStory {
  const made = new YelbStory().declare().proxies().minutes(1)
  made.one.set("proxyInfo", { ...UI, version: "1.29.12", provenance: "log", spans }, 1)
  return made.pass(15_000)
}

describe("the way of a proxy's spans", () => {
  it.each([
    ["to this agent by xray-udp", "Its tracer sends to an address where this agent listens."],
    ["from log lines", "the agent makes spans of them"],
    ["elsewhere (10.0.0.8:2000)", "name it in <code>spans.hosts</code>"],
    ["elsewhere (127.0.0.1:2000 of its own pod)", "set <code>AWS_XRAY_DAEMON_ADDRESS</code> to the host"],
  ])("%s is told, with what it means and what to do", async (way, words) => {
    const made = told(way)
    const { rows } = await made.collector.answers.proxies({ ...FIVE, offset: 0, limit: 99 })
    expect(rows.find(({ proxy }) => proxy === "ui-1")?.spans).toBe(way)
    expect(rows.find(({ proxy }) => proxy === "gw-1")?.spans).toBeNull()
    const html = await pageOf(made)
    expect(html).toContain(way)
    expect(html).toContain("Which way their spans go")
    expect(html).toContain(words)
    expect(html.includes('<a href="#spans">')).toBe(way.startsWith("elsewhere"))
  })

  it("is said for a proxy without a tracer, and takes no room of its own", async () => {
    const html = await pageOf(told("none"))
    expect(html).toContain("spans: none")
    expect(html).not.toContain("Which way their spans go")
  })

  it("of any text is shown as text", async () => {
    const html = await pageOf(told("elsewhere (<b>, to this agent by zipkin:2000)"))
    expect(html).toContain("elsewhere (&lt;b&gt;")
    expect(html).not.toContain("<b>, to")
  })
})

describe("what a log lacks", () => {
  it("has words for all that an agent may tell, and what mends it", () => {
    for (const word of [...MISSING, "config_dump"]) expect(GAP_WORDS).toContain(word)
    expect(gapOf("constructor").lacks).toBe("constructor")
  })

  it("is told in words with the format that mends it, never as code names", async () => {
    const html = await pageOf(story())
    expect(html).toContain('lacks <a href="#gaps">the number of attempts, the gRPC status</a>')
    expect(html.slice(0, html.indexOf("<pre>"))).not.toMatch(/grpc_status/)
    expect(html).toContain("A gRPC call that failed with HTTP status 200 counts as ok.")
    for (const [key, value] of Object.entries(RECOMMENDED_JSON))
      expect(html).toContain(`- key: ${key}\n          value: &quot;${value}&quot;`)
  })

  it("is told for each mesh product by where it is set there", async () => {
    const html = await pageOf(new EveryKind().proxies().minutes(1))
    expect(html).toContain("The log format that we recommend: istio")
    expect(html).toContain("<code>meshConfig</code>")
    expect(html).toContain("accessLogEncoding: JSON")
    expect(html).not.toContain("App Mesh has ended and its API takes no change")
  })

  it("leaves a doubt, which is not said to be without a name", async () => {
    const html = await pageOf(story())
    expect(html).toContain("Named with a doubt, or not at all")
    expect(html).toMatch(
      /named, with a doubt.*A request is counted by the likeliest one.*; a connection under what is sure/s,
    )
  })
})

describe("an objective", () => {
  it.each([
    ["default", "a default: none is declared"],
    ["declared", undefined],
  ])("of origin %s says so", async (origin, words) => {
    const made = new YelbStory().proxies()
    made
      .declare()
      .one.set("objective", { ...MESH, virtual_gateway: "gw", gateway_route: "gw-ui", origin }, 0.999)
    made.minutes(2)
    const all = { health: [], search: "gw-ui", sort: "health", reverse: false, offset: 0, limit: 9 } as const
    const { rows } = await made.collector.answers.routes({ ...FIVE, ...all })
    const id = rows[0]?.id ?? ""
    const view = await made.collector.answers.route(id, { ...FIVE, caller: null, target: null })
    expect(view?.budget).toMatchObject({ objective: 0.999, origin })
    const html = await pageOf(made, `/routes/${id}`)
    expect(html).toContain("Budget, 99.9 % over 30 days")
    expect(html.includes("a default: none is declared")).toBe(words !== undefined)
  })
})

describe("a proxy that serves nothing", () => {
  const payment = { mesh: "default", flavor: "plain", virtual_node: "payment", proxy: "payment-fargate" }

  it("has an unknown state that says why, and its node is what its lines say", async () => {
    const made = new EveryKind().proxies().minutes(2)
    const { rows, completeness } = await made.collector.answers.proxies({ ...FIVE, offset: 0, limit: 99 })
    expect(rows.find(({ proxy }) => proxy === payment.proxy)).toMatchObject({
      state: "unknown",
      why: "nothing can be asked of it where it runs, and what it logs is all that is known",
    })
    expect(completeness).toMatchObject({ proxiesKnown: 6, proxiesAnswered: 6 })
    const { nodes } = await made.collector.answers.graph(FIVE)
    expect(nodes.find(({ name }) => name === "payment")).toMatchObject({ health: "ok", why: null })
    expect(await pageOf(made)).toContain("nothing can be asked of it where it runs")
  })

  it("is not taken for well while no line of it comes", async () => {
    const made = new EveryKind().proxies()
    for (let quarter = 0; quarter < 8; quarter++) {
      made.agent.send()
      made.collector.pass(15_000)
    }
    const { nodes } = await made.collector.answers.graph(FIVE)
    expect(nodes.find(({ name }) => name === "payment")).toMatchObject({
      health: "unknown",
      why: "its proxy cannot be asked, and no line of it came",
    })
    const page = await pageOf(made, "/")
    expect(page).toMatch(/payment-fargate<\/a> of payment has told nothing: nothing can be asked of it/)
    expect(page).not.toContain("since –")
  })
})

it("proxies of several meshes each say of which one they are", async () => {
  const page = await pageOf(new EveryKind().proxies().minutes(1))
  expect(page).toContain("sidecar of cart in shop (service-connect)")
  expect(await pageOf(story())).not.toContain("in yelb (app-mesh)")
})
