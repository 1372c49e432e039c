import { describe, expect, it } from "vitest"
import type { FaultOrigin } from "../../collector/view/origins.ts"
import type { Labels } from "../fixtures/collector/small-collector.ts"
import { MESH, ROUTE, YelbStory } from "../fixtures/collector/yelb-story.ts"

const FIVE = { mesh: undefined, window: "5m" } as const
const ALL = { health: [], search: "", sort: "health", reverse: false, offset: 0, limit: 100 } as const
const FAILED = { protocol: "http", provenance: "log", outcome: "error" }
const HTTP = { ...FAILED, code_class: "5xx" }
const GATEWAY_ROUTE = { ...MESH, virtual_gateway: "gw", gateway_route: "gw-ui", virtual_service: "ui.yelb" }
const SECOND_PASS = { ...MESH, virtual_service: "ui.yelb", virtual_gateway: "gw", virtual_node: "ui" }

/** Errors at one reporter: the request, and who made the error with which flag. */
function fail(story: YelbStory, labels: Labels, count: number, flag: string, by: "app" | "proxy"): void {
  const failure = { ...labels, ...FAILED }
  story.one.add("requests", { ...labels, ...HTTP }, count)
  story.one.add("failures", { ...failure, flag, answered_by: by }, count)
}

const at = (virtual_node: string): Labels => ({ ...MESH, reporter: "destination", virtual_node })
const toMain = (virtual_node: string): Labels => ({
  ...ROUTE,
  reporter: "source",
  source: "ui",
  virtual_node,
})

const base = (): YelbStory => new YelbStory().declare().proxies()

/** Two good minutes, then three with the same errors. */
function told(errors: (story: YelbStory) => void): YelbStory {
  const story = base().minutes(2)
  for (let minute = 0; minute < 3; minute++) {
    errors(story)
    story.minutes(1)
  }
  return story
}

async function origins(story: YelbStory): Promise<readonly FaultOrigin[]> {
  return (await story.collector.answers.summary(FIVE)).origins
}

async function findings(story: YelbStory, name: string) {
  const { rows } = await story.collector.answers.routes({ ...FIVE, ...ALL })
  const id = rows.find((row) => row.name === name)?.id ?? ""
  const view = await story.collector.answers.route(id, { ...FIVE, caller: null, target: null })
  return view?.findings ?? []
}

describe("where a fault begins", () => {
  it("is nowhere in a healthy mesh", async () => {
    expect(await origins(base().minutes(5))).toEqual([])
  })

  it("is the node whose own proxy gets no answer from its application", async () => {
    const story = told((each) => {
      fail(each, toMain("v2"), 30, "URX", "app")
      fail(each, at("v2"), 90, "UF", "proxy")
    })
    const [origin, ...others] = await origins(story)
    expect(others).toEqual([])
    expect(origin).toMatchObject({
      id: "mesh/yelb/virtualNode/v2",
      virtualNode: "v2",
      // The story's own traffic of that minute is answered.
      sentence: "Applications behind v2's own proxy refuse connections",
      routes: [{ name: "main", how: "there", via: null, errors: 90, ofErrors: 90, health: "failing" }],
    })
    expect(origin?.evidence[0]).toBe(
      "That proxy made 270 errors itself in 420 requests, mostly UF (the upstream connection failed).",
    )
    const summary = await story.collector.answers.summary(FIVE)
    expect(summary.verdict.sentence).toContain("Applications behind v2's own proxy refuse connections.")
  })

  it("says that nothing answers once the last half minute had no answer", async () => {
    const story = told((each) => {
      fail(each, toMain("v2"), 30, "URX", "app")
    })
    for (let quarter = 0; quarter < 3; quarter++) {
      fail(story, at("v2"), 30, "UF", "proxy")
      fail(story, toMain("v2"), 10, "URX", "app")
      story.pass(15_000)
    }
    const [origin] = await origins(story)
    expect(origin?.sentence).toBe("Nothing answers behind v2's own proxy")
    const [first] = await findings(story, "main")
    expect(first?.evidence).toContain("In the last 30 s none of 60 requests was answered.")
  })

  it("is the node whose application answers with errors itself", async () => {
    const story = told((each) => {
      fail(each, toMain("v2"), 30, "-", "app")
      fail(each, at("v2"), 30, "-", "app")
    })
    const [origin] = await origins(story)
    expect(origin?.sentence).toBe("v2's application answers with errors itself")
    expect(origin?.evidence).toEqual([
      "90 of the 240 requests that reached it came back from the application as errors.",
      "No call of its own failed.",
    ])
  })

  it("is not a node that fails as often as its own calls: the fault is followed to where they fail", async () => {
    const story = told((each) => {
      fail(each, toMain("v2"), 30, "URX", "app")
      fail(each, at("v2"), 60, "UF", "proxy")
      fail(each, at("ui"), 30, "-", "app")
      fail(each, { ...SECOND_PASS, reporter: "source" }, 30, "-", "app")
      fail(each, { ...GATEWAY_ROUTE, reporter: "gateway" }, 30, "-", "app")
    })
    const found = await origins(story)
    expect(found).toHaveLength(1)
    expect(found[0]?.virtualNode).toBe("v2")
    expect(found[0]?.routes.map(({ name, how, via }) => [name, how, via])).toEqual([
      ["main", "there", null],
      ["gw-ui", "through", "ui"],
      ["ui.yelb", "through", "ui"],
    ])
    const ids = (await findings(story, "gw-ui")).map(({ id }) => id)
    expect(ids.slice(0, 3)).toEqual(["one-hop-later", "passed/ui", "behind/v2"])
  })

  it("is the same requests at a gateway only where counts agree", async () => {
    const story = told((each) => {
      fail(each, at("ui"), 30, "-", "app")
      fail(each, { ...SECOND_PASS, reporter: "source" }, 30, "-", "app")
      fail(each, { ...GATEWAY_ROUTE, reporter: "gateway" }, 30, "-", "app")
    })
    const [same] = await origins(story)
    expect(same?.routes.map(({ name, how }) => [name, how])).toEqual([
      ["ui.yelb", "there"],
      ["gw-ui", "same"],
    ])
    const apart = told((each) => {
      fail(each, at("ui"), 30, "-", "app")
      fail(each, { ...SECOND_PASS, reporter: "source" }, 30, "-", "app")
      fail(each, { ...GATEWAY_ROUTE, reporter: "gateway" }, 60, "NR", "proxy")
    })
    const [other] = await origins(apart)
    expect(other?.routes.map(({ name }) => name)).toEqual(["ui.yelb"])
  })

  it("is a node that callers cannot reach, which is then not called ok", async () => {
    const story = base().minutes(3).minutes(3, 10)
    const [origin] = await origins(story)
    expect(origin?.sentence).toBe("Callers cannot connect to v2")
    const { nodes } = await story.collector.answers.graph(FIVE)
    const box = nodes.find((node) => node.name === "v2")
    expect(box).toMatchObject({ health: "failing", why: "callers cannot connect" })
  })

  it.each([
    ["UT", "The application of v2 does not answer its own proxy in time"],
    ["UO", "The circuit breaker of v2's own proxy is full"],
    ["UC", "The application of v2 cuts connections instead of answering"],
    ["XX", "v2's own proxy fails requests itself"],
  ])("with %s at the own proxy: %s", async (flag, sentence) => {
    const story = told((each) => {
      fail(each, toMain("v2"), 30, "-", "app")
      fail(each, at("v2"), 30, flag, "proxy")
    })
    expect((await origins(story))[0]?.sentence).toBe(sentence)
  })

  it("says what it cannot tell when the log does not say who answered", async () => {
    const story = told((each) => {
      fail(each, toMain("v2"), 30, "-", "app")
      each.one.add("requests", { ...at("v2"), ...HTTP }, 30)
      each.one.add("failures", { ...at("v2"), ...FAILED, flag: "-", answered_by: "unknown" }, 30)
    })
    expect((await origins(story))[0]?.sentence).toBe("v2 answers with errors")
    const [first] = await findings(story, "main")
    expect(first?.unseen[0]).toContain("%RESPONSE_CODE_DETAILS%")
  })
})

describe("what is known, and since when", () => {
  it("rates are the mean over the known part of the window, never over what nobody saw", async () => {
    const story = base().minutes(2)
    const { rows } = await story.collector.answers.routes({ ...FIVE, ...ALL })
    const main = rows.find((row) => row.name === "main")
    expect(main?.numbers.requestsPerSecond).toBeCloseTo(1, 9)
    const { completeness, generatedAt } = await story.collector.answers.summary(FIVE)
    expect(Date.parse(generatedAt) - Date.parse(completeness.dataFrom ?? "")).toBe(120_000)
  })

  it("a route that was degraded before it failed fails since it failed", async () => {
    const story = base().minutes(2).minutes(4, 1).minutes(2, 10)
    const { worst, generatedAt } = await story.collector.answers.summary({ mesh: undefined, window: "1m" })
    const main = worst.find((row) => row.name === "main")
    expect(main?.health).toBe("failing")
    expect(Date.parse(generatedAt) - Date.parse(main?.since ?? "")).toBe(120_000)
    expect(main?.worstTarget).toEqual({ virtualNode: "v2", errors: 10 })
  })

  it("says why a state is unknown", async () => {
    const story = base().minutes(3)
    story.pass(15_000, ["one"]).pass(60_000, ["one"])
    const { nodes } = await story.collector.answers.graph(FIVE)
    const why = new Map(nodes.map((node) => [node.name, node.why]))
    expect(why.get("v1")).toMatch(/^proxy silent since \d\d:\d\d$/)
    expect(why.get("quiet")).toBe("3 of 5 proxies do not answer")
    expect(why.get("v2")).toBeNull()
  })
})
