import { Hono } from "hono"
import { beforeAll, describe, expect, it } from "vitest"
import { mountPages } from "../../collector/page/routes.ts"
import type { Labels } from "../fixtures/collector/small-collector.ts"
import { barOf, tableOf } from "../fixtures/collector/tables.ts"
import { MESH, ROUTE, YelbStory } from "../fixtures/collector/yelb-story.ts"

const ALL = { health: [], search: "", sort: "health", reverse: false, offset: 0, limit: 100 } as const
const HTTP = { protocol: "http", provenance: "log" }
const GATEWAY_ROUTE = { ...MESH, virtual_gateway: "gw", gateway_route: "gw-ui", virtual_service: "ui.yelb" }
const AT_GATEWAY = { ...GATEWAY_ROUTE, reporter: "gateway" }

const main = (virtual_node: string): Labels => ({ ...ROUTE, reporter: "source", source: "ui", virtual_node })

interface Answered {
  readonly outcome: "ok" | "client_error" | "error" | "aborted"
  readonly code: string
  readonly count: number
  /** Of what failed. */
  readonly flag?: string
  readonly by?: "app" | "proxy" | "unknown"
}

function answer(story: YelbStory, labels: Labels, { outcome, code, count, flag, by }: Answered): void {
  story.one.add("requests", { ...labels, ...HTTP, code_class: code, outcome }, count)
  if (flag !== undefined && by !== undefined)
    story.one.add("failures", { ...labels, ...HTTP, outcome, flag, answered_by: by }, count)
}

function attempts(story: YelbStory, virtual_node: string, count: number): void {
  story.one.add("attempts", { ...ROUTE, reporter: "source", virtual_node }, count)
}

/**
 * One minute: 100 requests to `main`, declared 3 to 1, received 60 to 40. Of the 60 of v1 4 are the caller's own
 * errors; of the 40 of v2 9 end in errors of the proxy, 3 in the application's, and 2 callers gave up.
 */
function minute(story: YelbStory): void {
  answer(story, main("v1"), { outcome: "ok", code: "2xx", count: 56 })
  answer(story, main("v1"), { outcome: "client_error", code: "4xx", count: 4, flag: "-", by: "unknown" })
  answer(story, main("v2"), { outcome: "ok", code: "2xx", count: 26 })
  answer(story, main("v2"), { outcome: "error", code: "5xx", count: 9, flag: "UF", by: "proxy" })
  answer(story, main("v2"), { outcome: "error", code: "5xx", count: 3, flag: "URX", by: "app" })
  answer(story, main("v2"), { outcome: "aborted", code: "none", count: 2, flag: "DC", by: "unknown" })
  attempts(story, "v1", 60)
  attempts(story, "v2", 70)
  answer(story, AT_GATEWAY, { outcome: "ok", code: "2xx", count: 30 })
  answer(story, AT_GATEWAY, { outcome: "error", code: "5xx", count: 6, flag: "NR", by: "proxy" })
  answer(story, AT_GATEWAY, { outcome: "error", code: "5xx", count: 2, flag: "-", by: "app" })
}

/** Five minutes of it, all in the window. */
function fiveMinutes(more: (story: YelbStory) => void = () => undefined): YelbStory {
  const story = new YelbStory().declare().proxies().hosts("v1", "ui", 2, 0).hosts("v2", "ui", 1, 2)
  story.one.set("routeWeight", { ...ROUTE, virtual_node: "v1" }, 3)
  for (let passed = 0; passed < 5; passed++) {
    minute(story)
    more(story)
    for (let quarter = 0; quarter < 4; quarter++) story.pass(15_000)
  }
  return story
}

async function pageOf(story: YelbStory, name: string, window: "1m" | "5m" = "5m"): Promise<string> {
  const { answers } = story.collector
  const { rows } = await answers.routes({ mesh: undefined, window, ...ALL })
  const id = rows.find((row) => row.name === name)?.id ?? ""
  const app = new Hono()
  mountPages(app, answers)
  const response = await app.request(`/routes/${encodeURIComponent(id)}?window=${window}`)
  expect(response.status).toBe(200)
  return response.text()
}

describe("the page of a route with known numbers", () => {
  let html = ""
  beforeAll(async () => {
    html = await pageOf(fiveMinutes(), "main")
  })

  it("tells of each target what was declared, what it received, and how it answered", () => {
    const [head, v1, v2, ...bars] = tableOf(html, "Targets: weights declared and received")
    expect(head?.slice(0, 7)).toEqual([
      "Virtual node",
      "Weight",
      "Declared %",
      "Received %",
      "Requests/s",
      "Errors %",
      "Attempts",
    ])
    expect(v1).toEqual(["v1", "3", "75.0", "60.0", "1.0", "0.00", "1.00", "2 of 2 healthy"])
    // Nobody is at fault for the 2 whose callers gave up: 12 errors of 38.
    expect(v2).toEqual(["v2", "1", "25.0", "40.0", "0.7", "31.58", "1.75", "1 of 3 healthy (2 unhealthy)"])
    expect(bars.map(([name]) => name)).toEqual(["Declared", "Received, errors hatched"])
  })

  it("draws bars of what was declared, and of what was received with its errors", () => {
    expect(barOf(html, "Declared")).toEqual([
      ["v1", 0, 75],
      ["v2", 75, 25],
    ])
    expect(barOf(html, "Received, errors hatched")).toEqual([
      ["v1", 0, 60],
      ["v2", 60, 40],
      ["bad", 87.37, 12.63],
    ])
  })

  it("tells of each flag who answered, how often, and its share of failures with the same outcome", () => {
    expect(tableOf(html, "Failures by flag")).toEqual([
      ["Flags", "Meaning", "Outcome", "Answered by", "Target", "Count ↓", "% of its outcome"],
      ["UF", "the upstream connection failed", "error", "the caller's proxy", "v2", "45", "75.0"],
      ["URX", expect.any(String), "error", "the target's side", "v2", "15", "25.0"],
      ["-", "no flag: the code alone tells", "client error", "not told", "v1", "20", "100.0"],
      ["DC", expect.any(String), "caller gave up", "not told", "v2", "10", "100.0"],
    ])
  })

  it("tells how often each class of code came, and its share of all answers", () => {
    expect(tableOf(html, "Answers by class of code")).toEqual([
      ["Code", "Count", "%"],
      ["2xx", "410", "82.0"],
      ["5xx", "60", "12.0"],
      ["4xx", "20", "4.0"],
      ["no code: the caller left, or nothing was sent", "10", "2.0"],
    ])
  })

  it("has a fact for each number over all targets", () => {
    const facts = [...html.matchAll(/<dt>([^<]*)<\/dt><dd[^>]*>([^<]*?)\s*</gu)].map(([, name, value]) => [
      name,
      value,
    ])
    expect(facts).toEqual(
      expect.arrayContaining([
        ["Requests", "1.7"],
        ["Error ratio", "12.2"],
        ["Attempts per request", "1.30"],
      ]),
    )
  })
})

it("a gateway's page tells whether the gateway or what is behind it answered", async () => {
  const rows = tableOf(await pageOf(fiveMinutes(), "gw-ui"), "Failures by flag")
  expect(
    rows.map(([flag, , outcome, by, target, count, share]) => [flag, outcome, by, target, count, share]),
  ).toEqual([
    ["Flags", "Outcome", "Answered by", "Target", "Count ↓", "% of its outcome"],
    ["NR", "error", "the gateway", "–", "30", "75.0"],
    ["-", "error", "behind the gateway", "–", "10", "25.0"],
  ])
})

it("a target that nobody declared has a dash for its weight, never a zero, and no bar tells what was declared", async () => {
  const story = fiveMinutes((each) => {
    answer(each, main("v3"), { outcome: "ok", code: "2xx", count: 25 })
  })
  const html = await pageOf(story, "main")
  const rows = tableOf(html, "Targets: weights declared and received")
  expect(rows.slice(1, 4).map((row) => row.slice(0, 4))).toEqual([
    ["v1", "3", "75.0", "48.0"],
    ["v2", "1", "25.0", "32.0"],
    ["v3", "–", "–", "20.0"],
  ])
  expect(rows.map(([name]) => name)).not.toContain("Declared")
})
