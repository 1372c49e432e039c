import { cpSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { beganSince, type Epoch, judge } from "../../agent/account/stats/epoch.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { BenchProxy, labPlan } from "../fixtures/stats/bench-proxy.ts"

const plan = labPlan(["a"], { grpc: [] })
const good = (times: number): Record<string, number> => ({
  "c.a.upstream_rq_2xx": times,
  "c.a.upstream_rq_total": times,
  "h.downstream_rq_2xx": times,
  "h.downstream_rq_total": times,
})

test("an old proxy seen for the first time is only a baseline", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan, 7200)
  proxy.add(good(1000))
  expect(proxy.scrape()).toBe("baseline")
  expect(proxy.requests).toEqual({})
  proxy.add(good(3)).settle()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 3 })
})

test("a proxy that began under our eyes counts from zero", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan, 60)
  proxy.add(good(12))
  expect(proxy.scrape()).toBe("whole")
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 12 })
})

test("a restart gives no spike and loses nothing that a scrape could see", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add(good(100)).settle()
  proxy.restartProxy()
  proxy.add(good(100)).add({ "c.a.upstream_rq_total": 5 })
  expect(proxy.scrape()).toBe("whole")
  proxy.restartProxy()
  proxy.add(good(2)).scrape()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 202 })
})

test("a series that is new in a known proxy counts whole, one that left and came back too", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan, 7200)
  proxy.add({ "h.downstream_rq_total": 0 }).scrape()
  proxy.add(good(4)).settle()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 4 })
  // The cluster is removed and comes back with more requests than it had.
  proxy.counters.delete("cluster.a.upstream_rq_2xx")
  proxy.counters.delete("cluster.a.upstream_rq_total")
  proxy.scrape()
  proxy.add(good(6)).settle()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 10 })
})

test("a counter that fell within one life is a reset of that series alone", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan, 7200)
  proxy.add(good(50)).settle()
  proxy.counters.set("cluster.a.upstream_rq_2xx", 2)
  proxy.add({ "h.downstream_rq_2xx": 2, "h.downstream_rq_total": 2 })
  expect(proxy.scrape()).toBe("differences")
  proxy.scrape()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 2 })
})

test("an agent that is killed between commits goes on: nothing twice, nothing lost", () => {
  const folder = temporaryFolder()
  const proxy = new BenchProxy(folder, plan)
  proxy.add(good(10)).add({ "h.downstream_rq_4xx": 1, "h.no_route": 1, "h.downstream_rq_total": 1 }).scrape()
  proxy.ledger.commit()
  // What happens after this copy was never committed.
  const crashed = temporaryFolder()
  for (const name of ["state.sqlite", "state.sqlite-wal"]) cpSync(join(folder, name), join(crashed, name))
  proxy.add(good(5)).scrape()
  proxy.ledger.close()
  proxy.reopen(crashed)
  expect(proxy.scrape()).toBe("differences")
  proxy.scrape()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 15, "(unmatched) 4xx error": 1 })
  proxy.ledger.close()
})

test("a proxy that restarted while the agent was away counts from zero", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add(good(10)).settle()
  proxy.ledger.close()
  proxy.clock.advance(600_000)
  proxy.restartProxy()
  proxy.add(good(4))
  proxy.clock.advance(200_000)
  proxy.reopen()
  expect(proxy.scrape()).toBe("whole")
  proxy.scrape()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 14 })
})

test("gRPC methods, which only a page names, are known again after a restart of the agent", () => {
  const grpc = labPlan(["g"], { grpc: ["g"] })
  const proxy = new BenchProxy(temporaryFolder(), grpc)
  const calls = { "c.g.upstream_rq_2xx": 3, "c.g.grpc.svc.M.0": 3, "h.downstream_rq_2xx": 3 }
  proxy.add({ ...calls, "h.downstream_rq_total": 3 }).settle()
  proxy.restartAgent()
  proxy.settle()
  expect(proxy.requests).toEqual({ "to-g g 2xx ok": 3 })
})

test("a new configuration: known series go on, series that were on the page before are no news", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add(good(10)).add({ "c.b.upstream_rq_2xx": 900, "c.b.upstream_rq_total": 900 }).scrape()
  proxy.accountant.setPlan(labPlan(["b", "a", "c"]))
  proxy.add(good(5)).add({ "c.b.upstream_rq_2xx": 1, "c.c.upstream_rq_2xx": 2 })
  proxy.add({ "h.downstream_rq_2xx": 3, "h.downstream_rq_total": 3 }).settle()
  const { requests } = proxy
  expect([requests["to-a a 2xx ok"], requests["to-b b 2xx ok"], requests["to-c c 2xx ok"]]).toEqual([
    15, 1, 2,
  ])
})

const at = (wall: number, uptime: number, more: Partial<Epoch> = {}): Epoch => ({
  hotRestarts: 0,
  uptime,
  wallMs: wall * 1000,
  monotonicMs: wall * 1000,
  ...more,
})
test.each([
  ["went on", at(0, 100), at(15, 115), "same"],
  ["uptime lags by a flush", at(0, 100), at(15, 110), "same"],
  ["uptime fell", at(0, 100), at(15, 10), "begun"],
  ["hot restart, uptime goes on", at(0, 100), at(15, 115, { hotRestarts: 1 }), "begun"],
  ["a young proxy may have restarted", at(0, 2), at(15, 4), "unsure"],
  ["wall clock an hour ahead", at(0, 100), at(15, 115, { wallMs: 3_615_000 }), "same"],
  [
    "wall clock an hour ahead while the agent was away",
    at(0, 100, { monotonicMs: Number.NaN }),
    at(15, 115, { wallMs: 3_615_000 }),
    "unsure",
  ],
  ["no uptime on the page", at(0, Number.NaN), at(15, Number.NaN), "unsure"],
] as const)("%s: %#", (_, last, now, verdict) => {
  expect(judge(last, now)).toBe(verdict)
})

test("an old proxy, and one that was hot-restarted, did not begin under our eyes", () => {
  expect(beganSince(at(1000, 100), 800_000)).toBe(true)
  expect(beganSince(at(1000, 300), 800_000)).toBe(false)
  expect(beganSince(at(1000, 100, { hotRestarts: 2 }), 800_000)).toBe(false)
})

test("a wall clock that steps while the agent is away gives no spike", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add(good(10)).settle()
  proxy.ledger.close()
  proxy.clock.advance(3_600_000)
  // The proxy did not live through this hour: only the clock moved.
  proxy.shiftStart(3_600_000)
  proxy.reopen()
  proxy.add(good(1))
  expect(proxy.scrape()).toBe("differences")
  proxy.scrape()
  expect(proxy.requests).toEqual({ "to-a a 2xx ok": 11 })
})
