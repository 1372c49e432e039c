import { describe, expect, it } from "vitest"
import { mostly } from "../../collector/page/row.ts"
import { mainFlag } from "../../collector/view/main-flag.ts"
import type { RouteRow } from "../../collector/view/route-row.ts"
import type { Labels } from "../fixtures/collector/small-collector.ts"
import { ROUTE, YelbStory } from "../fixtures/collector/yelb-story.ts"

const FIVE = { mesh: undefined, window: "5m" } as const
const ALL = { health: [], search: "", sort: "health", reverse: false, offset: 0, limit: 100 } as const
const FAILED = { protocol: "http", provenance: "log", outcome: "error" }

/** Errors of route `main`: how many with which flag at which node. */
async function main(...errors: readonly (readonly [string, string, number])[]): Promise<RouteRow> {
  const story = new YelbStory().declare().proxies().minutes(2)
  for (const [flag, virtual_node, count] of errors) {
    const labels: Labels = { ...ROUTE, reporter: "source", source: "ui", virtual_node, ...FAILED }
    story.one.add("requests", { ...labels, code_class: "5xx" }, count)
    story.one.add("failures", { ...labels, flag, answered_by: "proxy" }, count)
  }
  story.minutes(1)
  const { rows } = await story.collector.answers.routes({ ...FIVE, ...ALL })
  const found = rows.find(({ name }) => name === "main")
  if (found === undefined) throw new Error("no route main")
  return found
}

const textOf = async (markup: ReturnType<typeof mostly>): Promise<string> => (await markup).toString()

describe("what failures mostly are", () => {
  it("names a node and a flag that more than half of the errors have", async () => {
    const row = await main(["UF", "v2", 60], ["UH", "v1", 40])
    expect([mainFlag(row), row.worstTarget?.virtualNode]).toEqual(["UF", "v2"])
    expect(await textOf(mostly(row))).toMatch(/^UF at v2/)
  })

  it("joins no two maxima that are not the same errors'", async () => {
    const row = await main(["UF", "v1", 40], ["UF", "v2", 20], ["UH", "v2", 25], ["UT", "v2", 15])
    expect([mainFlag(row), row.worstTarget?.virtualNode]).toEqual(["UF", "v2"])
    const apart = await main(["UF", "v1", 40], ["UH", "v2", 30], ["UT", "v2", 10])
    expect([mainFlag(apart), apart.worstTarget]).toEqual([undefined, null])
    expect(await textOf(mostly(apart))).toMatch(/^errors<span class="sub">since/)
  })

  it("says nothing of a route that is ok", async () => {
    const row = await main(["UF", "v2", 2])
    expect([row.health, await textOf(mostly(row))]).toEqual(["ok", ""])
  })
})
