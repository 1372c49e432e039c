import { describe, expect, test } from "vitest"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { BenchProxy, labPlan } from "../fixtures/stats/bench-proxy.ts"

type Case = readonly [
  name: string,
  moved: Readonly<Record<string, number>>,
  requests: Readonly<Record<string, number>>,
  failures: Readonly<Record<string, number>>,
]

const answer = (cluster: string, family: number, times = 1): Record<string, number> => ({
  [`c.${cluster}.upstream_rq_${family}xx`]: times,
  [`c.${cluster}.upstream_rq_total`]: times,
  [`h.downstream_rq_${family}xx`]: times,
  "h.downstream_rq_total": times,
})
const own = (family: number, more: Record<string, number> = {}): Record<string, number> => ({
  [`h.downstream_rq_${family}xx`]: 1,
  "h.downstream_rq_total": 1,
  ...more,
})

/** What moves on a real Envoy 1.40 in each case (measured; the live test shows the same), and what it must become. */
const CASES: readonly Case[] = [
  ["ok", answer("a", 2, 7), { "to-a a 2xx ok": 7 }, {}],
  ["application's 500", answer("a", 5), { "to-a a 5xx error": 1 }, { "to-a a error - app": 1 }],
  ["application's 404", answer("a", 4), { "to-a a 4xx client_error": 1 }, { "to-a a client_error - app": 1 }],
  ["redirect of the application", answer("a", 3), { "to-a a 3xx ok": 1 }, {}],
  [
    "no route",
    own(4, { "h.no_route": 1 }),
    { "(unmatched) 4xx error": 1 },
    { "(unmatched) error NR proxy": 1 },
  ],
  [
    "unknown cluster",
    own(5, { "h.no_cluster": 1 }),
    { "(unmatched) 5xx error": 1 },
    { "(unmatched) error NC proxy": 1 },
  ],
  [
    "no healthy host",
    { ...answer("a", 5), "c.a.upstream_rq_total": 0, "c.a.upstream_cx_none_healthy": 1 },
    { "to-a a 5xx error": 1 },
    { "to-a a error UH proxy": 1 },
  ],
  [
    "refused",
    { ...answer("a", 5), "c.a.upstream_rq_total": 0, "c.a.upstream_rq_pending_failure_eject": 1 },
    { "to-a a 5xx error": 1 },
    { "to-a a error UF proxy": 1 },
  ],
  [
    "refused, two retries: which of them answered is not certain",
    {
      ...answer("a", 5),
      "c.a.upstream_rq_total": 0,
      "c.a.upstream_rq_pending_failure_eject": 3,
      "c.a.upstream_rq_retry": 2,
    },
    { "to-a a 5xx error": 1 },
    { "to-a a error - unknown": 1 },
  ],
  [
    "503 then 200",
    {
      ...answer("a", 2),
      "c.a.upstream_rq_total": 2,
      "c.a.upstream_rq_retry": 1,
      "c.a.retry.upstream_rq_5xx": 1,
      "c.a.retry.upstream_rq_503": 1,
    },
    { "to-a a 2xx ok": 1 },
    {},
  ],
  [
    "route timeout",
    { ...answer("a", 5), "c.a.upstream_rq_timeout": 1, "c.a.upstream_cx_destroy_local_with_active_rq": 1 },
    { "to-a a 5xx error": 1 },
    { "to-a a error UT proxy": 1 },
  ],
  [
    "breaker full",
    { ...answer("a", 5), "c.a.upstream_rq_total": 0, "c.a.upstream_rq_pending_overflow": 1 },
    { "to-a a 5xx error": 1 },
    { "to-a a error UO proxy": 1 },
  ],
  [
    "upstream cuts before the headers",
    { ...answer("a", 5), "c.a.upstream_cx_destroy_remote_with_active_rq": 1 },
    { "to-a a 5xx error": 1 },
    { "to-a a error - unknown": 1 },
  ],
  [
    "upstream cuts after the headers",
    {
      ...answer("a", 2),
      "c.a.upstream_cx_destroy_remote_with_active_rq": 1,
      "c.a.upstream_cx_protocol_error": 1,
      "h.downstream_rq_rx_reset": 1,
      "h.downstream_rq_tx_reset": 1,
    },
    { "to-a a 2xx error": 1 },
    { "to-a a error - unknown": 1 },
  ],
  [
    "timeout after the headers",
    {
      ...answer("a", 2),
      "c.a.upstream_rq_timeout": 1,
      "c.a.upstream_cx_destroy_local_with_active_rq": 1,
      "h.downstream_rq_rx_reset": 1,
      "h.downstream_rq_tx_reset": 1,
    },
    { "to-a a 2xx error": 1 },
    { "to-a a error - unknown": 1 },
  ],
  [
    "caller leaves before the headers",
    {
      "c.a.upstream_rq_total": 1,
      "c.a.upstream_cx_destroy_local_with_active_rq": 1,
      "h.downstream_rq_total": 1,
      "h.downstream_rq_rx_reset": 1,
    },
    { "(unmatched) none aborted": 1 },
    { "(unmatched) aborted - unknown": 1 },
  ],
  [
    "caller leaves after the headers, and a good answer later",
    {
      ...answer("a", 2, 2),
      "c.a.upstream_cx_destroy_local_with_active_rq": 1,
      "h.downstream_rq_rx_reset": 1,
    },
    { "to-a a 2xx aborted": 1, "to-a a 2xx ok": 2 },
    { "to-a a aborted - unknown": 1 },
  ],
  [
    "max_stream_duration",
    {
      "c.a.upstream_rq_total": 1,
      ...own(5, { "h.downstream_rq_max_duration_reached": 1 }),
    },
    { "(unmatched) 5xx error": 1 },
    { "(unmatched) error - proxy": 1 },
  ],
  [
    "stream idle",
    own(4, {
      "h.downstream_rq_idle_timeout": 1,
      "h.downstream_rq_rx_reset": 1,
      "h.downstream_rq_response_before_rq_complete": 1,
    }),
    { "(unmatched) 4xx client_error": 1 },
    { "(unmatched) client_error SI proxy": 1 },
  ],
  [
    "fault",
    own(5, { "h.fault.aborts_injected": 1 }),
    { "(unmatched) 5xx error": 1 },
    { "(unmatched) error FI proxy": 1 },
  ],
  [
    "rate limit, RBAC",
    own(4),
    { "(unmatched) 4xx client_error": 1 },
    { "(unmatched) client_error - proxy": 1 },
  ],
  ["direct response", own(2, { "h.rq_direct_response": 1 }), { "(unmatched) 2xx ok": 1 }, {}],
  [
    "health check",
    { "h.downstream_rq_total": 1, "h.health_check.request_total": 1, "h.tracing.health_check": 1 },
    {},
    {},
  ],
  [
    "100-continue counts once",
    {
      ...answer("a", 2),
      "c.a.upstream_rq_1xx": 1,
      "c.a.upstream_rq_100": 1,
      "c.a.upstream_rq_completed": 2,
      "h.downstream_rq_1xx": 1,
      "h.downstream_rq_completed": 2,
    },
    { "to-a a 2xx ok": 1 },
    {},
  ],
  [
    "upgrade that ended",
    {
      "c.a.upstream_rq_101": 1,
      "c.a.upstream_rq_1xx": 1,
      "c.a.upstream_rq_total": 1,
      "c.a.upstream_cx_destroy_remote_with_active_rq": 1,
      "h.downstream_rq_1xx": 1,
      "h.downstream_rq_total": 1,
      "h.downstream_cx_upgrades_total": 1,
      "h.downstream_rq_rx_reset": 1,
      "h.downstream_rq_tx_reset": 1,
      "h.downstream_rq_response_before_rq_complete": 1,
    },
    { "to-a a 1xx ok": 1 },
    {},
  ],
  [
    "internal redirect",
    {
      ...answer("a", 2),
      "c.a.upstream_rq_total": 2,
      "c.a.upstream_internal_redirect_succeeded_total": 1,
      "h.downstream_rq_total": 2,
    },
    { "to-a a 2xx ok": 1 },
    {},
  ],
  [
    "gRPC statuses",
    { ...answer("g", 2, 6), "c.g.grpc.0": 3, "c.g.grpc.svc.Method.14": 2, "c.g.grpc.5": 1 },
    { "to-g g 2xx ok": 3, "to-g g 2xx error": 2, "to-g g 2xx client_error": 1 },
    { "to-g g error - unknown": 2, "to-g g client_error - unknown": 1 },
  ],
  [
    "gRPC status that was retried to the end, without a counter of statuses",
    {
      ...answer("g", 2, 3),
      "c.g.upstream_rq_total": 5,
      "c.g.upstream_rq_retry": 2,
      "c.g.upstream_rq_retry_limit_exceeded": 1,
    },
    { "to-g g 2xx ok": 2, "to-g g 2xx error": 1 },
    { "to-g g error URX app": 1 },
  ],
  [
    "the same with the counter",
    {
      ...answer("g", 2, 3),
      "c.g.upstream_rq_retry": 2,
      "c.g.upstream_rq_retry_limit_exceeded": 1,
      "c.g.grpc.14": 1,
      "c.g.grpc.0": 2,
    },
    { "to-g g 2xx ok": 2, "to-g g 2xx error": 1 },
    { "to-g g error - unknown": 1 },
  ],
  [
    "gRPC call that was refused to the end",
    {
      "c.g.upstream_rq_5xx": 1,
      "c.g.upstream_rq_pending_failure_eject": 3,
      "c.g.upstream_rq_retry": 2,
      "c.g.upstream_rq_retry_limit_exceeded": 1,
      "h.downstream_rq_2xx": 1,
      "h.downstream_rq_total": 1,
      ...answer("b", 2, 0),
    },
    { "to-g g 5xx error": 1 },
    { "to-g g error - unknown": 1 },
  ],
  [
    "gRPC call without a host",
    {
      "c.g.upstream_rq_5xx": 1,
      "c.g.upstream_cx_none_healthy": 1,
      "c.g.grpc.14": 1,
      "h.downstream_rq_2xx": 1,
      "h.downstream_rq_total": 1,
    },
    { "to-g g 2xx error": 1 },
    { "to-g g error - unknown": 1 },
  ],
  [
    "gRPC call without a route",
    own(2, { "h.no_route": 1 }),
    { "(unmatched) 2xx error": 1 },
    { "(unmatched) error NR proxy": 1 },
  ],
  [
    "plain HTTP through a gRPC cluster gets no status",
    answer("g", 5),
    { "to-g g 5xx error": 1 },
    { "to-g g error - app": 1 },
  ],
]

const plan = labPlan(["a", "b", "g"], { grpc: ["g"] })

describe("one case each, on a proxy that is known", () => {
  test.each(CASES)("%s", (_, moved, requests, failures) => {
    const proxy = new BenchProxy(temporaryFolder(), plan)
    proxy.add({ "h.downstream_rq_active": 0, ...answer("b", 2) }).settle()
    proxy.add(moved).settle()
    // Debts are paid by the next good answers.
    proxy.add(answer("b", 2)).settle()
    const late = "to-a a 2xx aborted" in requests
    if (late) proxy.add(answer("a", 2)).settle()
    proxy.scrape()
    expect(proxy.requests).toEqual({ "to-b b 2xx ok": 2, ...requests })
    expect(proxy.failures).toEqual(failures)
    proxy.ledger.close()
  })
})

test("requests under way are neither aborted nor lost", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add({ "h.downstream_rq_total": 3, "h.downstream_rq_active": 3, "c.a.upstream_rq_total": 3 }).settle()
  expect(proxy.requests).toEqual({})
  proxy.add({ ...answer("a", 2, 3), "h.downstream_rq_total": 0, "c.a.upstream_rq_total": 0 })
  proxy.add({ "h.downstream_rq_active": -3 }).settle()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 3 })
  proxy.ledger.close()
})

test("a manager read later than its clusters shows replies that are none: they are not counted", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add({ "h.downstream_rq_active": 0 }).settle()
  for (let round = 0; round < 20; round++) {
    // Two requests pass while each page is printed: the manager has them, the clusters do not yet.
    proxy
      .add(answer("a", 2, 10))
      .add({ "h.downstream_rq_2xx": 2, "h.downstream_rq_total": 2 })
      .scrape()
    proxy.add({ "c.a.upstream_rq_2xx": 2, "c.a.upstream_rq_total": 2 })
  }
  proxy.settle()
  const { "(unmatched) 2xx ok": wrong = 0, "to-a a 2xx ok": right } = proxy.requests
  expect(right).toBe(240)
  expect(wrong).toBe(0)
  proxy.ledger.close()
})

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

test("attempts are what was tried, also where nothing was reached", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add({ "h.downstream_rq_active": 0 }).settle()
  proxy
    .add({ ...answer("a", 2), "c.a.upstream_rq_total": 3 })
    .add({ ...answer("b", 5), "c.b.upstream_rq_total": 0, "c.b.upstream_rq_pending_failure_eject": 3 })
    .settle()
  expect(proxy.exposed("mesh_request_attempts_total")).toEqual({ "to-a a": 3, "to-b b": 3 })
  proxy.ledger.close()
})

test("when the proxy goes, what waited for a second look is counted", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add({ "h.downstream_rq_active": 0 }).settle()
  proxy
    .add(own(4, { "h.no_route": 1 }))
    .add({ "h.downstream_rq_total": 1 })
    .scrape()
  expect(proxy.requests).toEqual({})
  proxy.accountant.close()
  expect(proxy.requests).toEqual({ "(unmatched) 4xx error": 1, "(unmatched) none aborted": 1 })
  proxy.ledger.close()
})
