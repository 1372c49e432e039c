import { expect, test } from "vitest"
import type { ClusterHost } from "#mesh/proxy.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { StatsAccountant } from "../../agent/account/stats/accountant.ts"
import { SharedGauges } from "../../agent/account/stats/shared-gauges.ts"
import { LayoutPool } from "../../agent/decode/stats/layout-pool.ts"
import { PageReader } from "../../agent/decode/stats/page-reader.ts"
import { exposedValues } from "../fixtures/ledger/exposed.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"
import { BenchProxy, IDENTITY, labPlan } from "../fixtures/stats/bench-proxy.ts"

const plan = labPlan(["a"], { tcp: ["tcp", "bad"] })

test("TCP: opened, closed and given up, with bytes as the caller sees them", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add({ "tcp.tcp_ok.downstream_cx_total": 0 }).settle()
  proxy
    .add({
      "tcp.tcp_ok.downstream_cx_total": 3,
      "c.tcp.upstream_cx_total": 3,
      "c.tcp.upstream_cx_destroy": 2,
      "c.tcp.upstream_cx_rx_bytes_total": 500,
      "c.tcp.upstream_cx_tx_bytes_total": 90,
      "c.tcp.upstream_cx_active": 1,
    })
    .add({
      "tcp.tcp_bad.downstream_cx_total": 1,
      "c.bad.upstream_cx_total": 2,
      "c.bad.upstream_cx_connect_fail": 2,
      "c.bad.upstream_cx_destroy": 2,
      "c.bad.upstream_cx_connect_attempts_exceeded": 1,
    })
    .settle()
  expect(proxy.exposed("mesh_tcp_connections_opened_total")).toEqual({ tcp: 3, bad: 1 })
  expect(proxy.exposed("mesh_tcp_connections_closed_total")).toEqual({ "tcp ok": 2, "bad error": 1 })
  expect(proxy.exposed("mesh_tcp_sent_bytes_total")).toEqual({ tcp: 500 })
  expect(proxy.exposed("mesh_tcp_received_bytes_total")).toEqual({ tcp: 90 })
  expect(proxy.exposed("mesh_connection_failures_total")).toEqual({ "bad refused": 2 })
  expect(proxy.exposed("mesh_active_connections")).toEqual({ tcp: 1 })
})

test("connection failures by reason", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add({ "h.downstream_rq_total": 0 }).settle()
  proxy
    .add({
      "c.a.upstream_cx_connect_fail": 10,
      "c.a.upstream_cx_connect_timeout": 3,
      "c.a.ssl.fail_verify_san": 2,
      "c.a.ssl.connection_error": 1,
      "c.a.upstream_cx_overflow": 5,
    })
    .scrape()
  expect(proxy.exposed("mesh_connection_failures_total")).toEqual({
    "a timeout": 3,
    "a tls_verify": 2,
    "a tls_handshake": 1,
    "a overflow": 5,
    "a refused": 4,
  })
})

test("what a proxy says about itself, and that it leaves with the proxy", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan, 85)
  const configuredMs = proxy.clock.now() - 30_000
  proxy
    .add({
      "server.live": 1,
      "server.state": 0,
      "server.memory_allocated": 8_000_000,
      "control_plane.connected_state": 1,
      "cluster_manager.cds.config_reload_time_ms": configuredMs,
      "cluster_manager.cds.update_rejected": 2,
      "http.egress.rds.one.name.update_rejected": 1,
      "http.egress.rds.two.update_rejected": 1,
      "filesystem.write_failed": 4,
    })
    .scrape()
  const labels = "ui ui-1"
  expect(proxy.exposed("mesh_proxy_up")).toEqual({ [labels]: 1 })
  expect(proxy.exposed("mesh_proxy_state")).toEqual({ [`${labels} live`]: 1 })
  expect(proxy.exposed("mesh_proxy_uptime_seconds")).toEqual({ [labels]: 100 })
  expect(proxy.exposed("mesh_proxy_memory_bytes")).toEqual({ [labels]: 8_000_000 })
  expect(proxy.exposed("mesh_proxy_control_plane_connected")).toEqual({ [labels]: 1 })
  expect(proxy.exposed("mesh_proxy_config_age_seconds")).toEqual({ [labels]: 45 })
  expect(proxy.exposed("mesh_proxy_xds_rejected_total")).toEqual({
    [`${labels} cds`]: 2,
    [`${labels} rds`]: 2,
  })
  expect(proxy.exposed("mesh_proxy_log_write_failures_total")).toEqual({ [labels]: 4 })
  proxy.accountant.describe({ version: "1.40.0", provenance: "stats", missing: "log" })
  proxy.accountant.takeCertificates([{ name: "/c.pem", expiresAt: 1_900_000_000 }])
  expect(proxy.exposed("mesh_proxy_info")).toEqual({ "ui ui-1 1.40.0 log": 1 })
  expect(proxy.exposed("mesh_tls_certificate_expiry_timestamp_seconds")).toEqual({
    "ui /c.pem": 1_900_000_000,
  })
  proxy.accountant.failed()
  expect([proxy.exposed("mesh_proxy_up"), proxy.exposed("mesh_proxy_state")]).toEqual([{}, {}])
  proxy.scrape()
  proxy.accountant.close()
  for (const gauge of [
    "mesh_proxy_up",
    "mesh_proxy_info",
    "mesh_proxy_memory_bytes",
    "mesh_active_connections",
  ]) {
    expect(proxy.exposed(gauge)).toEqual({})
  }
})

test("config and membership moves are told once", () => {
  const proxy = new BenchProxy(temporaryFolder(), plan)
  proxy.add({ "http.egress.rds.r.version": 13_237_225_503_670_493_184, "c.a.membership_change": 1 }).settle()
  expect([proxy.accountant.takeConfigMoved(), proxy.accountant.takeMembershipMoved()]).toEqual([true, true])
  proxy.scrape()
  expect([proxy.accountant.takeConfigMoved(), proxy.accountant.takeMembershipMoved()]).toEqual([false, false])
  proxy.add({ "c.a.membership_change": 1 }).scrape()
  expect([proxy.accountant.takeConfigMoved(), proxy.accountant.takeMembershipMoved()]).toEqual([false, true])
  proxy.counters.set("http.egress.rds.r.version", 1)
  proxy.scrape()
  expect(proxy.accountant.takeConfigMoved()).toBe(true)
})

function host(state: ClusterHost["state"]): ClusterHost {
  return { cluster: "a", address: { host: "127.0.0.1", port: 1 }, state, counters: {} }
}

test("replicas share gauges: connections add up, hosts are the worst view, and one that goes takes its part along", () => {
  const clock = manualClock()
  const ledger = openLedger({ folder: temporaryFolder(), clock })
  const gauges = new SharedGauges(ledger)
  const pool = new LayoutPool()
  const two = ["ui-1", "ui-2"].map((proxy) => ({
    reader: new PageReader("raw", pool),
    accountant: new StatsAccountant({ ...IDENTITY, proxy }, plan, {
      ledger,
      gauges,
      clock,
      watchingSinceMs: 0,
      accountedByLog: () => 0,
    }),
  }))
  const scrape = (index: number, active: number): void => {
    const page = `cluster.a.circuit_breakers.default.cx_open: ${index}\ncluster.a.upstream_cx_active: ${active}\nserver.uptime: 9\n`
    const one = two[index]
    if (one !== undefined) one.accountant.scrape(one.reader.read(Buffer.from(page)))
  }
  const value = (name: string): number | undefined => {
    ledger.commit()
    return Object.entries(exposedValues(ledger.snapshot)).find(([text]) => text.startsWith(name))?.[1]
  }
  scrape(0, 5)
  scrape(1, 3)
  two[0]?.accountant.takeHosts([host("healthy"), host("healthy")])
  two[1]?.accountant.takeHosts([host("healthy"), host("ejected")])
  expect(value("mesh_active_connections{")).toBe(8)
  expect(value("mesh_circuit_breaker_open{")).toBe(1)
  const hosts = "mesh_upstream_hosts{mesh=lab,flavor=app-mesh,source=ui,virtual_node=a,state="
  expect([value(`${hosts}healthy`), value(`${hosts}ejected`)]).toEqual([1, 1])
  scrape(0, 6)
  two[1]?.accountant.close()
  expect(value("mesh_active_connections{")).toBe(6)
  expect([value(`${hosts}healthy`), value(`${hosts}ejected`)]).toEqual([2, 0])
  two[0]?.accountant.close()
  expect(value("mesh_active_connections{")).toBeUndefined()
  ledger.close()
})

test("the gap to the log: the least of 60 s counts, it never falls, and late lines are no gap", () => {
  const log = labPlan(["a"], { provenance: "log" })
  const proxy = new BenchProxy(temporaryFolder(), log)
  const ended = (times: number): BenchProxy =>
    proxy.add({ "h.downstream_rq_total": times, "h.downstream_rq_2xx": times })
  for (let round = 0; round < 12; round++) {
    // All lines come one scrape late.
    proxy.logged += round === 0 ? 0 : 10
    ended(10).scrape()
  }
  proxy.logged += 10
  for (let round = 0; round < 6; round++) proxy.scrape()
  expect(proxy.exposed("mesh_unaccounted_requests_total")).toEqual({})
  // Seven requests whose lines never come.
  ended(7)
  for (let round = 0; round < 7; round++) proxy.scrape()
  expect(proxy.exposed("mesh_unaccounted_requests_total")["ui"]).toBe(7)
  proxy.logged += 7
  for (let round = 0; round < 6; round++) proxy.scrape()
  expect(proxy.exposed("mesh_unaccounted_requests_total")["ui"]).toBe(7)
})

test("lines that were committed after the last scrape are known after a restart of the agent", () => {
  const log = labPlan(["a"], { provenance: "log" })
  const proxy = new BenchProxy(temporaryFolder(), log)
  proxy.add({ "h.downstream_rq_total": 5 }).scrape()
  proxy.ledger.commit()
  proxy.logged = 5
  proxy.restartAgent()
  for (let round = 0; round < 8; round++) proxy.scrape()
  expect(proxy.exposed("mesh_unaccounted_requests_total")).toEqual({})
})

test("counted from stats, nothing stays unaccounted", () => {
  const proxy = new BenchProxy(temporaryFolder(), labPlan(["a"]))
  proxy.add({
    "h.downstream_rq_total": 9,
    "h.downstream_rq_active": 1,
    "h.downstream_rq_2xx": 4,
    "h.downstream_rq_4xx": 2,
    "h.health_check.request_total": 1,
    "c.a.upstream_rq_2xx": 4,
  })
  for (let round = 0; round < 8; round++) proxy.scrape()
  expect(proxy.exposed("mesh_unaccounted_requests_total")).toEqual({})
  expect(proxy.exposed("mesh_health_check_requests_total")).toEqual({ ui: 1 })
})
