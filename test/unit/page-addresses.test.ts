import { Hono } from "hono"
import { describe, expect, it } from "vitest"
import { mountPages } from "../../collector/page/routes.ts"
import { YelbStory } from "../fixtures/collector/yelb-story.ts"

const story = new YelbStory().declare().proxies().minutes(3)
const app = new Hono()
mountPages(app, story.collector.answers)
const open = async (path: string): Promise<{ status: number; html: string }> => {
  const answer = await app.request(path)
  return { status: answer.status, html: await answer.text() }
}
const mainOf = (html: string): string => /<main.*<\/main>/su.exec(html)?.[0] ?? ""
const linksIn = (html: string): string[] =>
  [...mainOf(html).matchAll(/href="([^"]+)"/gu)].map(([, href = ""]) => href.replaceAll("&amp;", "&"))

describe("an address that cannot be taken as it is", () => {
  it.each([
    ["/?window=7m", "window", "7m"],
    ["/?window=", "window", "empty"],
    ["/routes?state=fine", "state", "fine"],
    ["/routes?kind=toString", "kind", "toString"],
    ["/routes?sort=__proto__", "sort", "__proto__"],
    ["/proxies?theme=blue", "theme", "blue"],
    ["/routes?window=1m&windw=5m", "windw", "knows no"],
    ["/?__proto__=1", "__proto__", "knows no"],
    ["/?window=1m&window=5m", "window", "stands twice"],
    [`/?mesh=${"x".repeat(600)}`, "mesh", "longer than any name"],
    ["/routes/r-000000000000000?window=9h", "window", "9h"],
  ])("%s is answered with what is wrong, and with addresses that are right", async (path, name, words) => {
    const { status, html } = await open(path)
    expect(status).toBe(400)
    expect(mainOf(html)).toContain(`<code>${name}</code>`)
    expect(mainOf(html)).toContain(words)
    const links = linksIn(html)
    expect(links.length).toBeGreaterThan(1)
    for (const href of links) expect((await open(href)).status).not.toBe(400)
  })

  it("that is wrong twice keeps the rest, so that each link puts one thing right", async () => {
    const { html } = await open("/routes?window=7m&state=fine&q=main")
    expect(linksIn(html)).toContain("/routes?state=fine&q=main&window=5m")
    expect(linksIn(html)).toContain("/routes?window=7m&q=main&state=failing")
  })

  it("says nothing back as markup", async () => {
    const { html } = await open("/?window=%3Cscript%3Ealert(1)%3C/script%3E&%22%3E%3Cb%3E=1")
    expect(html).not.toContain("<script>alert")
    expect(html).not.toContain('"><b>')
  })

  it("asks for a mesh that is not known: those that are known stand there", async () => {
    const { status, html } = await open("/routes?mesh=nope&window=1m")
    expect(status).toBe(404)
    expect(html).toContain("No mesh is called nope</h1>")
    expect(linksIn(html)).toContain("/routes?mesh=yelb&window=1m")
  })

  it("asks for a route that is not there", async () => {
    const { status, html } = await open("/routes/r-000000000000000?mesh=yelb")
    expect(status).toBe(404)
    expect(linksIn(html)).toEqual(["/routes?mesh=yelb"])
  })
})

describe("an address as the page's own forms and links make it", () => {
  it.each([
    "/?mesh=&window=5m",
    "/routes?mesh=yelb&window=1m&q=&kind=",
    "/routes?target=v2&sort=p95",
    "/?theme=dark",
  ])("%s is taken", async (path) => {
    expect((await open(path)).status).toBe(200)
  })

  it("keeps a caller chosen of whom nothing was seen", async () => {
    const { rows } = await story.collector.answers.routes({
      mesh: undefined,
      window: "5m",
      health: [],
      search: "main",
      sort: "health",
      reverse: false,
      offset: 0,
      limit: 1,
    })
    const { html } = await open(`/routes/${rows[0]?.id ?? ""}?caller=nobody`)
    expect(html).toContain('<option value="nobody" selected>nobody, nothing seen</option>')
  })
})
