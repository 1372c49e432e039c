import { describe, expect, test } from "vitest"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { answer, own, plan } from "../fixtures/stats/answers.ts"
import { BenchProxy } from "../fixtures/stats/bench-proxy.ts"

type Case = readonly [
  name: string,
  moved: Readonly<Record<string, number>>,
  requests: Readonly<Record<string, number>>,
  failures: Readonly<Record<string, number>>,
]

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
