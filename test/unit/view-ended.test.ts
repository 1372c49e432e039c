import { Hono } from "hono"
import { describe, expect, it } from "vitest"
import { mountPages } from "../../collector/page/routes.ts"
import type { SummaryView } from "../../collector/view/summary.ts"
import { MESH, YelbStory } from "../fixtures/collector/yelb-story.ts"

const FIVE = { mesh: undefined, window: "5m" } as const
const ALL = { health: [], search: "", sort: "health", reverse: false, offset: 0, limit: 100 } as const
const NONE = { ...MESH, virtual_service: "appserver.yelb", route: "(unmatched)", source: "ui" }

const base = (): YelbStory => new YelbStory().declare().proxies()
const summaryOf = (story: YelbStory): Promise<SummaryView> => story.collector.answers.summary(FIVE)

/** Quarters of a minute in which the last route of a service is gone. */
function unrouted(story: YelbStory, quarters: number): YelbStory {
  const labels = { ...NONE, reporter: "source", protocol: "http", provenance: "log", outcome: "error" }
  for (let quarter = 0; quarter < quarters; quarter++) {
    story.one.add("requests", { ...labels, code_class: "4xx" }, 15)
    story.one.add("failures", { ...labels, flag: "NR", answered_by: "proxy" }, 15)
    story.pass(15_000)
  }
  return story
}

async function pageOf(story: YelbStory): Promise<string> {
  const app = new Hono()
  mountPages(app, story.collector.answers)
  const html = await (await app.request("/")).text()
  const from = html.indexOf('<section class="verdict')
  return html
    .slice(from, html.indexOf('<div class="by">', from))
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll(/\s+/g, " ")
}

describe("a fault that has ended", () => {
  const story = base().minutes(2).minutes(2, 10).minutes(2)

  it("is told in the past, with its end", async () => {
    const { verdict, origins, routes, ended } = await summaryOf(story)
    expect(verdict).toMatchObject({ health: "failing", since: null })
    expect(verdict.sentence).toMatch(
      /^main was failing, ended \d\d:\d\d: .*Callers could not connect to v2\. 5 routes, 1 failing, 0 degraded, 1 of these ended;/,
    )
    expect(origins).toMatchObject([{ sentence: "Callers could not connect to v2", since: null }])
    expect(origins[0]?.endedAt).not.toBeNull()
    expect([routes.failing, ended]).toEqual([1, { failing: 1, degraded: 0 }])
    expect(await pageOf(story)).toMatch(
      /1 of 5 routes failed, and does so no more ?Callers could not connect to v2, ended \d\d:\d\d\./,
    )
  })

  it("leaves the box of its node well", async () => {
    const { nodes } = await story.collector.answers.graph(FIVE)
    expect(nodes.find(({ name }) => name === "v2")).toMatchObject({ health: "ok", why: null })
  })

  it("stands below the one that goes on", async () => {
    const { origins, verdict } = await summaryOf(unrouted(base().minutes(2).minutes(2, 10).minutes(1), 4))
    expect(origins.map(({ sentence, endedAt }) => [sentence, endedAt === null])).toEqual([
      ["Envoys have no route for requests to appserver.yelb: 60 answered 404", true],
      ["Callers could not connect to v2", false],
    ])
    expect(verdict.sentence).toContain(
      "Envoys have no route for requests to appserver.yelb: 60 answered 404.",
    )
  })
})

describe("a route that the mesh lost", () => {
  it("is where a fault begins, and nobody says that nothing fails", async () => {
    const story = unrouted(base().minutes(2), 4)
    const { verdict, origins } = await summaryOf(story)
    expect(origins).toMatchObject([
      {
        id: "mesh/yelb/virtualService/appserver.yelb",
        virtualNode: "",
        endedAt: null,
        routes: [{ name: "(unmatched) of appserver.yelb", how: "there", errors: 60 }],
      },
    ])
    expect(origins[0]?.since).not.toBeNull()
    expect(origins[0]?.evidence).toContain("Declared, but without requests: quiet.")
    expect(verdict.sentence).not.toContain("none failing")
    const page = await pageOf(story)
    expect(page).toContain("Requests without a known route fail")
    expect(page).toContain("Envoys have no route for requests to appserver.yelb: 60 answered 404 since")
    expect(page).not.toContain("None of")
  })

  it("takes no requests, and says so", async () => {
    const { rows } = await unrouted(base().minutes(2), 4).collector.answers.routes({ ...FIVE, ...ALL })
    expect(rows.find(({ name }) => name === "quiet")).toMatchObject({
      health: "no traffic",
      why: "takes no requests; its service has requests that no route takes",
    })
  })

  it("is another fault each time that it is lost", async () => {
    const story = unrouted(unrouted(base().minutes(1), 8).minutes(6), 4)
    const [origin] = (await summaryOf(story)).origins
    const { generatedAt } = await summaryOf(story)
    expect(Date.parse(generatedAt) - Date.parse(origin?.since ?? "")).toBe(60_000)
  })
})
