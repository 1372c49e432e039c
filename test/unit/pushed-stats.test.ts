import { afterEach, expect, test } from "vitest"
import { type Clock, systemClock } from "#mesh/clock.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import { PushedStats } from "../../agent/intakes/pushed-stats.ts"
import { type Reading, startReading } from "../fixtures/served/reading.ts"

const CONFIG = { silence: 30_000, hold: 30_000, maxSeries: 1000, buffer: 1 << 20 }
const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

/** A clock that goes ahead as much as it is told to, and by each sleep of who waits for stats. */
function ahead(): Clock & { pass(ms: number): void } {
  let by = 0
  return {
    now: () => systemClock.now() + by,
    monotonic: () => systemClock.monotonic() + by,
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    pass: (ms) => {
      by += ms
    },
  }
}

interface Line {
  readonly stats: PushedStats
  readonly reading: Reading
  readonly clock: ReturnType<typeof ahead>
  restart(): Promise<Line>
}

function joined(reading: Reading, clock: ReturnType<typeof ahead>, changes = {}): Line {
  const { pipeline } = reading
  const hurried: Clock = {
    ...clock,
    now: () => clock.now(),
    async sleep(ms) {
      clock.pass(ms)
    },
  }
  const stats = new PushedStats({ ...CONFIG, ...changes }, { clock: hurried, ledger: pipeline.ledger })
  pipeline.pushed = (target) => stats.open(target)
  return {
    stats,
    reading,
    clock,
    async restart() {
      stats.end()
      return joined(await reading.restart(), clock)
    },
  }
}

async function begin(changes = {}): Promise<Line> {
  const clock = ahead()
  const reading = await startReading(clock)
  undo.push(() => reading.close())
  return joined(reading, clock, changes)
}

const target = (name = "ui-1", host = "10.0.0.7"): ProxyTarget => ({
  name,
  admin: { kind: "tcp", host, port: 9901 },
  logs: [],
  serves: { kind: "pushed" },
  hint: { flavor: "app-mesh", mesh: "yelb", role: "sidecar", resource: "ui" },
})

/** What an App Mesh sidecar sends in one flush, by which requests it ended since the last one. */
const flush = (requests: number, uptime = 9): Buffer =>
  Buffer.from(
    [
      ...["cds_ingress_yelb_ui_http_80", "cds_egress_yelb_app_http_80"].flatMap((name) => [
        `envoy.cluster.upstream_rq_total:${requests}|c|#envoy.cluster_name:${name}`,
        `envoy.cluster.upstream_rq_xx:${requests}|c|#envoy.cluster_name:${name},envoy.response_code_class:2`,
      ]),
      ...["ingress", "egress"].flatMap((prefix) => [
        `envoy.http.downstream_rq_total:${requests}|c|#envoy.http_conn_manager_prefix:${prefix}`,
        `envoy.http.downstream_rq_xx:${requests}|c|#envoy.http_conn_manager_prefix:${prefix},envoy.response_code_class:2`,
      ]),
      "envoy.server.live:1|g",
      "envoy.server.hot_restart_epoch:0|g",
      `envoy.server.uptime:${uptime}|g`,
    ].join("\n"),
  )

const counted = ({ reading }: Line): Readonly<Record<string, number>> =>
  reading.series("requests", ["reporter", "outcome"])
const both = (requests: number): Readonly<Record<string, number>> => ({
  "reporter=destination,outcome=ok": requests,
  "reporter=source,outcome=ok": requests,
})
const isUp = ({ reading }: Line): number | undefined => Object.values(reading.series("proxyUp"))[0]

test("what is sent counts from its first flush on, also what came before its target", async () => {
  const line = await begin()
  line.stats.take(flush(5), "10.0.0.7")
  await line.reading.take(target())
  expect(counted(line)).toEqual(both(5))
  line.stats.take(flush(2), "10.0.0.7")
  line.stats.take(flush(1), "10.0.0.7")
  await line.reading.look()
  expect(counted(line)).toEqual(both(8))
  expect(isUp(line)).toBe(1)
  const info = Object.keys(line.reading.series("proxyInfo", ["virtual_node", "missing"]))
  expect(info).toEqual(["virtual_node=ui,missing=config,hosts,datagrams,declared_model"])
})

test("an Envoy that began again, hot or cold, is not counted again; its own age is told", async () => {
  const line = await begin()
  line.stats.take(flush(5, 500), "10.0.0.7")
  await line.reading.take(target())
  line.clock.pass(20_000)
  line.stats.take(flush(2, 1), "10.0.0.7")
  line.stats.take(Buffer.from("envoy.server.hot_restart_epoch:1|g"), "10.0.0.7")
  await line.reading.look()
  expect(counted(line)).toEqual(both(7))
  expect(Object.values(line.reading.series("proxyUptime"))).toEqual([1])
})

test("sums and counts go on together after a restart of the agent", async () => {
  const line = await begin()
  line.stats.take(flush(5), "10.0.0.7")
  await line.reading.take(target())
  line.stats.take(flush(4), "10.0.0.7")
  const next = await line.restart()
  undo.push(() => next.reading.close())
  next.clock.pass(60_000)
  next.stats.take(flush(1), "10.0.0.7")
  await next.reading.take(target())
  expect(counted(next)).toEqual(both(10))
})

test("a wall clock that steps back counts nothing twice", async () => {
  const line = await begin()
  line.clock.pass(100_000)
  line.stats.take(flush(5), "10.0.0.7")
  await line.reading.take(target())
  line.clock.pass(60_000)
  line.stats.take(flush(1), "10.0.0.7")
  await line.reading.look()
  const real = { ...line.clock }
  Object.assign(line.clock, { now: () => real.now() - 50_000 })
  line.stats.take(flush(1), "10.0.0.7")
  await line.reading.look()
  expect(counted(line)).toEqual(both(7))
})

test("who sends nothing is down after the silence, and comes back", async () => {
  const line = await begin()
  await line.reading.take(target())
  expect(isUp(line)).toBe(0)
  expect(line.reading.series("proxyProblem", ["page", "reason"])).toEqual({
    "page=stats,reason=unreachable": 1,
  })
  line.stats.take(flush(5), "10.0.0.7")
  await line.reading.look()
  expect(isUp(line)).toBe(1)
  line.clock.pass(31_000)
  // Times come by themselves, and say nothing of the rest.
  line.stats.take(Buffer.from("envoy.a_ms:1|ms"), "10.0.0.7")
  await line.reading.look()
  expect(isUp(line)).toBe(0)
})

test("two targets of one address are not told apart, and nothing is counted of them", async () => {
  const line = await begin()
  await line.reading.take(target(), {
    ...target("ui-2"),
    admin: { kind: "tcp", host: "10.0.0.7", port: 9902 },
  })
  line.stats.take(flush(5), "10.0.0.7")
  await line.reading.look()
  expect(counted(line)).toEqual({})
  expect(line.stats.drops.ambiguous).toBe(1)
  await line.reading.take(target())
  line.stats.take(flush(3), "10.0.0.7")
  await line.reading.look()
  expect(counted(line)).toEqual(both(3))
})

test("a target that is gone is forgotten, and one that is only called otherwise goes on", async () => {
  const line = await begin()
  line.stats.take(flush(5), "10.0.0.7")
  await line.reading.take(target())
  line.stats.take(flush(1), "10.0.0.7")
  await line.reading.take(target("renamed"))
  line.stats.look()
  await line.reading.look()
  expect(counted(line)).toEqual(both(6))
  await line.reading.take()
  line.stats.look()
  line.stats.take(flush(100), "10.0.0.7")
  line.clock.pass(31_000)
  line.stats.look()
  expect(line.stats.drops.unknown_sender).toBe(1)
  line.stats.take(flush(2), "10.0.0.7")
  await line.reading.take(target())
  expect(counted(line)).toEqual(both(8))
})

test("strangers have no more room than is left to wait in", async () => {
  const line = await begin({ buffer: 8 * 1000 })
  for (let sender = 0; sender < 10; sender++) line.stats.take(Buffer.alloc(300), `10.0.1.${sender}`)
  expect(line.stats.drops.no_room_to_wait).toBe(8)
  line.clock.pass(31_000)
  line.stats.look()
  expect(line.stats.drops.unknown_sender).toBe(2)
  line.stats.take(Buffer.alloc(300), "10.0.1.1")
  expect(line.stats.drops.no_room_to_wait).toBe(8)
})

test("without an IP address, or without a receiver, the state says why nothing comes", async () => {
  const line = await begin()
  await line.reading.take(target("ui-1", "pod.local"))
  const problem = (): string | undefined =>
    [...line.reading.pipeline.proxies][0]?.problems.get("stats")?.message
  expect(problem()).toContain("no IP address")
  const alone = await startReading()
  undo.push(() => alone.close())
  await alone.take(target())
  expect([...alone.pipeline.proxies][0]?.problems.get("stats")?.message).toContain("receive.dogstatsd")
})
