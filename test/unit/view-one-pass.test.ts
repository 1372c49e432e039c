import { expect, it } from "vitest"
import type { GraphEdge } from "../../collector/view/graph.ts"
import { EveryKind, ISTIO_GATEWAY } from "../fixtures/collector/every-kind.ts"
import { YelbStory } from "../fixtures/collector/yelb-story.ts"

const FIVE = { mesh: undefined, window: "5m" } as const
const REVIEWS = "reviews.shop-production-eu.svc.cluster.local"
const SITE = "www.shop-production.example.com"

/** Requests per second on edges of one kind, by the names of their ends. */
async function edges(
  story: EveryKind | YelbStory,
  kind: GraphEdge["kind"],
): Promise<Record<string, number | null>> {
  const { nodes, edges: all } = await story.collector.answers.graph(FIVE)
  const name = (id: string): string => nodes.find((node) => node.id === id)?.name ?? id
  return Object.fromEntries(
    all
      .filter((edge) => edge.kind === kind)
      .map((edge) => [`${name(edge.source)} > ${name(edge.target)}`, edge.requestsPerSecond]),
  )
}

it("a gateway of Istio leads to the nodes that its own rows tell, each request once", async () => {
  const story = new EveryKind().proxies().minutes(6)
  expect(await edges(story, "target")).toEqual({
    [`${SITE} > storefront.shop-production-eu.svc.cluster.local/v1`]: 1,
    [`${SITE} > ${REVIEWS}/v2`]: 0.5,
    [`http[0] > ${REVIEWS}/v2`]: 0.7,
  })
  const { nodes } = await story.collector.answers.graph(FIVE)
  // Both of its routes, which no other row tells of.
  expect(nodes.find(({ name }) => name === SITE)?.numbers).toMatchObject({ requests: 450, p50Ms: 21.25 })
  const { rows } = await story.collector.answers.routes({
    ...FIVE,
    health: [],
    search: "http[1]",
    sort: "health",
    reverse: false,
    offset: 0,
    limit: 9,
  })
  expect(rows).toMatchObject([{ kind: "gateway_route", numbers: { requests: 150 } }])
})

it("a gateway of App Mesh, which has rows as a caller too, is counted by those alone", async () => {
  const story = new YelbStory().declare().proxies().minutes(6)
  expect(await edges(story, "forward")).toEqual({ "gw-ui > ui.yelb": 1 })
  expect((await edges(story, "target"))["ui.yelb > ui"]).toBe(1)
  const { nodes } = await story.collector.answers.graph(FIVE)
  expect(nodes.find(({ name }) => name === "ui.yelb")?.numbers).toMatchObject({ requests: 300 })
})

it("what fails behind a gateway of Istio begins at the node, and leads to the gateway's route", async () => {
  const { origins } = await new EveryKind().proxies().minutes(6, 6).collector.answers.summary(FIVE)
  expect(origins).toMatchObject([
    {
      virtualNode: `${REVIEWS}/v2`,
      routes: [{ name: "site.shop-production-eu/http[1]", how: "there", errors: 30 }],
    },
  ])
})

it("a gateway's declared route that nothing took makes no edge to a node", async () => {
  const story = new EveryKind().proxies()
  story.agent.set(
    "resourceInfo",
    { ...ISTIO_GATEWAY, kind: "gateway_route", name: "site.shop-production-eu/idle" },
    1,
  )
  expect(Object.keys(await edges(story.minutes(6), "target"))).toHaveLength(3)
})
