import { Hono } from "hono"
import { describe, expect, it } from "vitest"
import { mountPages } from "../../collector/page/routes.ts"
import type { RouteRow } from "../../collector/view/route-row.ts"
import { MESH, YelbStory } from "../fixtures/collector/yelb-story.ts"

const FIVE = { mesh: undefined, window: "5m" } as const
const CALL = { ...MESH, reporter: "source", source: "ui", provenance: "log" }
const REFUSED = { ...CALL, virtual_service: "(undeclared)", virtual_node: "(undeclared)" }

/** The same name in brackets by HTTP and by TCP, AWS, and a node whose service nothing tells. */
function story(): YelbStory {
  const made = new YelbStory().declare().proxies().minutes(2)
  const { one } = made
  const unmatched = { ...CALL, virtual_service: "(undeclared)", route: "(unmatched)", code_class: "4xx" }
  one.add("requests", { ...unmatched, outcome: "error" }, 7)
  one.add("tcpOpened", REFUSED, 12)
  one.add("tcpClosed", { ...REFUSED, outcome: "error" }, 12)
  one.add("tcpOpened", { ...CALL, virtual_service: "(aws)", virtual_node: "(aws)" }, 3)
  one.add("tcpClosed", { ...CALL, virtual_service: "(aws)", virtual_node: "(aws)", outcome: "ok" }, 2)
  one.add("tcpOpened", { ...CALL, virtual_service: "(unknown)", virtual_node: "v1" }, 4)
  return made.pass(15_000).pass(15_000)
}

async function pageOf(made: YelbStory, path: string): Promise<string> {
  const app = new Hono()
  mountPages(app, made.collector.answers)
  const html = await (await app.request(path)).text()
  return html
    .replaceAll("<wbr>", "")
    .replaceAll("&#39;", "'")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ")
}

const counted = ({ name, numbers, tcp }: RouteRow) => [
  name,
  numbers.requests,
  tcp === null ? null : [tcp.opened, tcp.closed, tcp.closedWithError],
]

describe("connections to what is no declared service", () => {
  it("stand in a row of their own beside requests of the same name", async () => {
    const { rows } = await story().collector.answers.unmapped(FIVE)
    expect(rows.map(counted)).toEqual([
      ["(undeclared)", 0, [12, 12, 12]],
      ["(unmatched)", 7, null],
      ["(unknown)", 0, [4, 0, 0]],
      ["(aws)", 0, [3, 2, 0]],
    ])
    expect(rows.map(({ health }) => health)).toEqual(["failing", "failing", "ok", "ok"])
    expect(rows.find(({ name }) => name === "(aws)")?.why).toBe(
      "Connections to AWS's own hosts, which no node has to declare.",
    )
  })

  it("are told with their cause where the node's own proxy is refused", async () => {
    const made = story()
    const db = { ...MESH, virtual_service: "db.yelb", source: "v1", virtual_node: "db", provenance: "stats" }
    made.one.add("tcpOpened", { ...db, reporter: "source" }, 1600)
    made.one.add("tcpClosed", { ...db, reporter: "source", outcome: "error" }, 1500)
    made.one.add("tcpClosed", { ...db, reporter: "source", outcome: "ok" }, 100)
    made.one.add("connectionFailures", { ...MESH, virtual_node: "db", reason: "refused" }, 1500)
    const { rows } = await made
      .pass(15_000)
      .pass(15_000)
      .collector.answers.routes({
        ...FIVE,
        health: ["failing"],
        search: "db.yelb",
        sort: "health",
        reverse: false,
        offset: 0,
        limit: 9,
      })
    const route = await pageOf(made, `/routes/${rows[0]?.id}`)
    expect(route).toMatch(/db's own proxy cannot connect to its application\. /)
    expect(route).toMatch(/connections to the application failed: 1,500 refused\. .* 1,500 of 1,600 ended/)
  })

  it("are told with their number, and how many Envoy cut", async () => {
    const made = story()
    const proxies = await pageOf(made, "/proxies")
    expect(proxies).toMatch(/\(undeclared\) .* 12 connections 12 ended with an error/)
    expect(proxies).toMatch(/\(aws\) .* 3 connections /)
    const routes = await pageOf(made, "/routes?kind=synthetic")
    expect(routes).toMatch(
      /\(undeclared\) Connections to hosts .* DROP_ALL Envoy cuts them\. TCP, .* 12 failed/,
    )
    const { rows } = await made.collector.answers.unmapped(FIVE)
    const route = await pageOf(made, `/routes/${rows[0]?.id}`)
    expect(route).toMatch(/Connections opened .* 12 in 5 min .* Failed 12 in 5 min/)
    const { nodes, edges } = await made.collector.answers.graph(FIVE)
    const box = nodes.find(({ name, tcp }) => name === "(undeclared)" && tcp !== null)
    expect(edges.filter(({ target }) => target === box?.id)).toMatchObject([
      { kind: "call", protocol: "tcp", health: "failing", errorRatio: 1 },
    ])
    expect(nodes.find(({ name }) => name === "(undeclared)")?.tcp?.closedWithError).toBe(12)
  })
})
