import { Hono } from "hono"
import { beforeAll, describe, expect, it } from "vitest"
import { countText, kindsText } from "../../collector/page/counts.ts"
import { mountPages } from "../../collector/page/routes.ts"
import { type PageStory, storiesOfThePage } from "../fixtures/collector/page-stories.ts"

/** Rows of the routes table: those with a state in their first cell. */
const rowsIn = (html: string): number =>
  html.match(/<tr(?: class="syn")?><td class="wide"><span class="state/gu)?.length ?? 0

/** Links of a tally with the number that each shows. */
function tallyOf(html: string): { href: string; count: number }[] {
  const list = /<ul class="tally".*?<\/ul>/su.exec(html)?.[0] ?? ""
  return [...list.matchAll(/href="([^"]+)".*?<\/svg>(\d+) /gsu)].map(([, href = "", count]) => ({
    href: href.replaceAll("&amp;", "&"),
    count: Number(count),
  }))
}

const title = (html: string): string => /<h1>Routes<\/h1><span class="muted">([^<]*)/u.exec(html)?.[1] ?? ""

describe("counts", () => {
  it.each([
    [10, 0, "10 routes"],
    [1, 2, "1 route and 2 rows without a known route"],
    [0, 1, "1 row without a known route"],
    [0, 0, "0 routes"],
  ])("%d known and %d other rows read %s", (known, other, text) => {
    expect(countText(known, other)).toBe(text)
  })
  it("say what a number of routes is made of", () => {
    expect(kindsText({ gateway_route: 2, route: 0, service: 1 })).toBe(
      "2 gateway routes, 1 service on a node",
    )
  })
})

describe("numbers on pages", () => {
  let stories: PageStory[]
  beforeAll(async () => {
    stories = await storiesOfThePage()
  })

  it.each(["failing", "degraded", "doubtful", "silent", "large"])(
    "of the story %s are those of the tables that they lead to",
    async (name) => {
      const story = stories.find((each) => each.name === name)
      if (story === undefined) throw new Error(`no story ${name}`)
      const app = new Hono()
      mountPages(app, story.collector.answers)
      const open = async (path: string): Promise<string> => (await app.request(path)).text()
      for (const path of ["/", "/routes", "/routes?kind=known", "/routes?q=e"]) {
        const links = tallyOf(await open(path))
        expect(links.length).toBeGreaterThan(0)
        for (const { href, count } of links) expect([href, rowsIn(await open(href))]).toEqual([href, count])
      }
      const all = await open("/routes")
      const numbers = [...title(all).matchAll(/(\d+) (?:routes?|rows?)\b(?! of)/gu)].map(([, text]) =>
        Number(text),
      )
      expect(numbers.reduce((sum, count) => sum + count, 0)).toBe(rowsIn(all))
    },
  )

  it("of a mesh whose only trouble has no known route say so in the headline", async () => {
    const story = stories.find(({ name }) => name === "doubtful")
    const app = new Hono()
    if (story !== undefined) mountPages(app, story.collector.answers)
    const html = await (await app.request("/")).text()
    expect(html).toContain("Requests without a known route fail</h1>")
    expect(html).toContain("All 5 routes and 1 row without a known route")
    expect(html).toMatch(/\d+ resources and 1 row without a known route/)
  })
})
