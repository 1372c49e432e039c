import { expect, test } from "vitest"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { answer, plan } from "../fixtures/stats/answers.ts"
import { BenchProxy } from "../fixtures/stats/bench-proxy.ts"

test("cut answers that two clusters may have given are told on the unmatched row, and never as a success", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add({ "h.downstream_rq_active": 0 }).settle()
  proxy
    .add(answer("a", 2, 4))
    .add(answer("b", 2, 4))
    .add({
      "c.a.upstream_cx_destroy_remote_with_active_rq": 1,
      "c.b.upstream_cx_destroy_remote_with_active_rq": 1,
      "h.downstream_rq_tx_reset": 2,
      "h.downstream_rq_rx_reset": 2,
    })
    .settle()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 3, "to-b b 2xx ok": 3, "(unmatched) 2xx error": 2 })
  proxy.ledger.close()
})

/** What a broken connection within an answer moves, in its cluster and at the manager. */
const signs = (cluster: string, times: number): Record<string, number> => ({
  [`c.${cluster}.upstream_cx_destroy_remote_with_active_rq`]: times,
  [`c.${cluster}.upstream_cx_protocol_error`]: times,
})
const cuts = (times: number): Record<string, number> => ({
  "h.downstream_rq_tx_reset": times,
  "h.downstream_rq_rx_reset": times,
})

test("broken answers of two clusters are told where each shows as many as it takes", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add({ "h.downstream_rq_active": 0 }).settle()
  proxy.add({ ...answer("a", 2, 4), ...signs("a", 1) }).add({ ...answer("b", 2, 4), ...signs("b", 2) })
  proxy.add(cuts(3)).settle()
  expect(proxy.requests).toEqual({
    "to-a a 2xx ok": 3,
    "to-a a 2xx error": 1,
    "to-b b 2xx ok": 2,
    "to-b b 2xx error": 2,
  })
  proxy.ledger.close()
})

test("a cluster that was read before its answer broke off: its sign is waited for", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add({ "h.downstream_rq_active": 0 }).settle()
  proxy
    .add(answer("a", 2, 4))
    .add(answer("b", 2, 4))
    .add(cuts(1))
    .scrape()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 3, "to-b b 2xx ok": 3 })
  proxy.add(signs("b", 1)).settle()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 4, "to-b b 2xx ok": 3, "to-b b 2xx error": 1 })
  proxy.ledger.close()
})

test("a cut that two clusters show signs of, one too many: neither tells it as good, and all are told", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add({ "h.downstream_rq_active": 0 }).settle()
  proxy.add({ ...answer("a", 2, 4), ...signs("a", 1) }).add({ ...answer("b", 2, 4), ...signs("b", 1) })
  proxy.add(cuts(1)).settle()
  expect(proxy.requests).toEqual({
    "to-a a 2xx ok": 3,
    "to-b b 2xx ok": 3,
    "(unmatched) 2xx error": 1,
    "(unmatched) 2xx ok": 1,
  })
  proxy.ledger.close()
})

test("a gateway sees a cut later than its clusters do, and two clusters of one gateway route are told alike", () => {
  const clusters = plan.http.flatMap((one) => one.clusters)
  const [, like] = clusters
  const told = clusters.map((entry, index) =>
    index < 2 ? entry : Object.assign({}, like, { statName: "g" }),
  )
  const http = plan.http.map((one) => Object.assign({}, one, { reporter: "gateway", clusters: told }))
  const proxy = new BenchProxy(temporaryFolder(), Object.assign({}, plan, { http }))
  proxy.add({ "h.downstream_rq_active": 0 }).settle()
  proxy.add(answer("a", 2, 4)).add({ ...answer("b", 2, 4), ...signs("b", 2) })
  proxy.add({ ...answer("g", 2, 4), ...signs("g", 1) }).scrape()
  proxy.add(answer("a", 2)).scrape()
  proxy.add(cuts(2)).scrape()
  proxy.add(cuts(1)).settle()
  proxy.add(answer("b", 2, 3)).settle()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 5, "to-b b 2xx ok": 8, "to-b b 2xx error": 3 })
  proxy.ledger.close()
})

test("an answer counts as good when it has ended: one that is cut later never did", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add({ "h.downstream_rq_active": 0 }).settle()
  proxy.add({ ...answer("a", 2, 3), "c.a.upstream_rq_active": 2, "h.downstream_rq_active": 2 }).settle()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 1 })
  proxy
    .add({ ...signs("a", 1), ...cuts(1), "c.a.upstream_rq_active": -1, "h.downstream_rq_active": -1 })
    .settle()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 1, "to-a a 2xx error": 1 })
  proxy.accountant.setPlan(plan)
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 2, "to-a a 2xx error": 1 })
  proxy.ledger.close()
})

test("answers that go on for long, beside callers that leave, make nobody leave late", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add({ "h.downstream_rq_active": 0 }).settle()
  // Five downloads have their headers and go on; five other callers left before theirs.
  proxy.add({ ...answer("a", 2, 5), "h.downstream_rq_active": 5 })
  proxy.add({ "h.downstream_rq_total": 5, "h.downstream_rq_rx_reset": 5, "c.a.upstream_rq_total": 5 })
  for (let round = 0; round < 5; round++) proxy.add(answer("b", 2, 10)).scrape()
  expect(Object.keys(proxy.requests).filter((key) => key.endsWith("2xx aborted"))).toEqual([])
  proxy.add({ "h.downstream_rq_active": -5 }).settle()
  expect(proxy.requests).toEqual({
    "to-a a 2xx ok": 5,
    "to-b b 2xx ok": 50,
    "(unmatched) none aborted": 5,
  })
  proxy.ledger.close()
})

test("an answer that is cut a scrape after its headers came is taken from the next good one", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add({ "h.downstream_rq_active": 1, ...answer("a", 2) }).settle()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 1 })
  proxy.add({
    "h.downstream_rq_active": -1,
    "h.downstream_rq_tx_reset": 1,
    "h.downstream_rq_rx_reset": 1,
    "c.a.upstream_cx_destroy_remote_with_active_rq": 1,
  })
  proxy.settle()
  proxy.add(answer("a", 2, 5)).settle()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 5, "to-a a 2xx error": 1 })
  proxy.ledger.close()
})
