import { Hono } from "hono"
import { expect, it } from "vitest"
import { mountPages } from "../../collector/page/routes.ts"
import { MESH, YelbStory } from "../fixtures/collector/yelb-story.ts"

it("a route whose target has no host at all says so, with what would refute it", async () => {
  const made = new YelbStory().declare().proxies().minutes(2).hosts("v2", "ui", 0, 0)
  const { rows } = await made.collector.answers.routes({
    mesh: undefined,
    window: "5m",
    health: [],
    search: "main",
    sort: "health",
    reverse: false,
    offset: 0,
    limit: 9,
  })
  const [{ id, key } = { id: "", key: { virtualService: "", virtualRouter: "", route: "" } }] = rows
  const failed = {
    ...MESH,
    reporter: "source",
    virtual_service: key.virtualService,
    virtual_router: key.virtualRouter,
    route: key.route,
    source: "ui",
    virtual_node: "v2",
    provenance: "log",
    code_class: "5xx",
    outcome: "error",
  }
  made.one.add("requests", failed, 90)
  made.one.add("failures", { ...failed, flag: "UH", answered_by: "proxy" }, 90)
  made.pass(15_000).pass(15_000)
  const app = new Hono()
  mountPages(app, made.collector.answers)
  const html = (await (await app.request(`/routes/${id}`)).text()).replaceAll("<wbr>", "")
  expect(html).toContain("<b>Callers know no healthy host of v2.</b>")
  expect(html).toContain("no host known")
})
