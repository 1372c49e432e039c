import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { component } from "../../scripts/components/component.ts"
import { checkMetrics } from "../live/prometheus/promtool.ts"
import { counts, scrapesUpTo, scraping, seen, spanMs } from "../live/prometheus/scraped.ts"
import { Prometheus } from "../live/prometheus/server.ts"
import { type Stand, startStand } from "../live/rig/stand.ts"
import { truthBy, truthRequests } from "../live/rig/truth-counts.ts"

/** The newest Prometheus scrapes our agent: what `npm test` asks of older ones at length. */
const REQUESTS = 1000
let stand: Stand
let prometheus: Prometheus
let metricsUrl: string

beforeAll(async () => {
  const binary = await component("prometheus-3.15")
  const publish = { prometheus: { listen: "127.0.0.1:0" } }
  stand = await startStand({ logs: { "*": "json" }, seed: 23, agent: { publish } })
  metricsUrl = stand.agent.metricsUrl ?? ""
  prometheus = await Prometheus.start({
    binary,
    folder: join(stand.runDir, "prometheus"),
    listen: `127.${stand.stage.fleet.base}.9.10:9090`,
    target: new URL(metricsUrl).host,
    intervalMs: 1000,
  })
})

afterAll(async () => {
  await prometheus?.stop()
  await stand?.stop()
})

test("each scrape goes well, and increase() by route is the truth from the first request on", {
  timeout: 120_000,
}, async () => {
  await scraping(prometheus)
  await stand.stage.run(REQUESTS)
  const { requests } = await stand.stage.truth()
  await seen(prometheus, truthRequests(requests))
  const [from, to] = await scrapesUpTo(prometheus, Number.POSITIVE_INFINITY)
  const names = ["reporter", "route", "outcome"]
  const increase = `increase(mesh_requests_total[${spanMs(from, to)}ms] @ ${to.toFixed(3)})`
  const told = await counts(prometheus, `sum by (${names.join(", ")}) (${increase})`, names)
  expect(told).toEqual(truthBy(requests, names))
  const [up] = await prometheus.samples("up")
  expect(up?.samples.filter(([, value]) => value !== 1)).toEqual([])
  expect(await prometheus.target()).toMatchObject({ health: "up", lastError: "" })
})

test("its promtool has nothing to complain of", async () => {
  const page = await (await fetch(metricsUrl, { headers: { accept: "text/plain" } })).text()
  expect(page).toContain("mesh_requests_total{")
  expect(await checkMetrics("promtool-3.15", page)).toEqual({ code: 0, said: "" })
})
