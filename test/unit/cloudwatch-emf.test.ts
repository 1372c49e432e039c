import { expect, test } from "vitest"
import { metricSets, type WrittenSet } from "#mesh/cloudwatch/metric-sets.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { makeEmfProducer } from "../../agent/publish/cloudwatch-emf/emf-producer.ts"
import { type ReadMetric, sumOf } from "../fixtures/cloudwatch/emf-reader.ts"
import { routeLabels as route, telling } from "../fixtures/cloudwatch/telling.ts"
import { committedOutbox } from "../fixtures/ledger/committed-outbox.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"

const brief = (metrics: readonly ReadMetric[]): string[] =>
  metrics.map((metric) => `${metric.name}{${metric.dimensions}}=${Number(sumOf(metric).toPrecision(12))}`)

test("tells requests, errors and durations per route, per node and per gateway route, each once", () => {
  const { add, observe, told, world } = telling()
  add(route("r", { code_class: "2xx" }), 5)
  add(route("r", { code_class: "5xx", outcome: "error" }), 2)
  add(route("r", { source: "other", code_class: "2xx" }), 1)
  observe(route("r"), 0.03, 3)
  add({ mesh: "m", reporter: "destination", virtual_node: "n", outcome: "ok" }, 8)
  add(
    {
      mesh: "m",
      reporter: "gateway",
      virtual_gateway: "g",
      gateway_route: "gr",
      virtual_service: "s.local",
      outcome: "error",
    },
    1,
  )
  expect(brief(told()).toSorted()).toEqual([
    "duration{mesh=m,route=r,virtual_service=s.local}=0.09",
    "errors{gateway_route=gr,mesh=m,virtual_gateway=g}=1",
    "errors{mesh=m,route=r,virtual_service=s.local}=2",
    "requests{gateway_route=gr,mesh=m,virtual_gateway=g}=1",
    "requests{mesh=m,route=r,virtual_service=s.local}=8",
    "requests{mesh=m,virtual_node=n}=8",
  ])
  expect(world.outbox.records.map(({ key, count }) => `${key} ${count}`)).toEqual([
    "/meshscope/m/metrics 3",
    "/meshscope/m/metrics 1",
    "/meshscope/m/metrics 2",
  ])
})

test("tells what came since the last time, and nothing where nothing came", () => {
  const { add, told, clock } = telling()
  add(route("r"), 5)
  const [first] = told()
  expect(first?.timeMs).toBe(Date.UTC(2026, 10, 21, 10))
  expect(told()).toEqual([])
  add(route("r"), 2)
  const [second] = told()
  expect(second && sumOf(second)).toBe(2)
  expect(second?.timeMs).toBe(clock.now() - 60_000)
})

test("zeros, when asked for, are told for who has a place", () => {
  const { add, told } = telling({ zeros: true })
  add(route("r"), 5)
  told()
  expect(brief(told())).toEqual([
    "requests{mesh=m,route=r,virtual_service=s.local}=0",
    "errors{mesh=m,route=r,virtual_service=s.local}=0",
  ])
})

test("after a restart nothing is told twice and nothing is missed", () => {
  const agent = telling()
  agent.add(route("r"), 5)
  agent.told()
  agent.add(route("r"), 3)
  agent.add(route("new"), 1)
  agent.restart()
  expect(brief(agent.told())).toEqual([
    "requests{mesh=m,route=r,virtual_service=s.local}=3",
    "requests{mesh=m,route=new,virtual_service=s.local}=1",
  ])
})

test("what was counted before anybody wanted to know is not told as a spike", () => {
  const folder = temporaryFolder()
  const before = openLedger({ folder, clock: manualClock() })
  before.add(before.slot("requests", route("r")), 1_000_000)
  before.close()
  const agent = telling({}, folder)
  expect(agent.told()).toEqual([])
  agent.add(route("r"), 4)
  expect(brief(agent.told())).toEqual(["requests{mesh=m,route=r,virtual_service=s.local}=4"])
  // A metric that is asked for later begins then, too.
  const attempt = () => agent.world.ledger.slot("attempts", { mesh: "m", reporter: "source", route: "r" })
  agent.world.ledger.add(attempt(), 77)
  agent.told()
  const attempts: WrittenSet = { reporter: "source", dimensions: ["mesh"], metrics: ["attempts"] }
  agent.restart({ sets: metricSets("meshscope", [attempts]) })
  expect(agent.told()).toEqual([])
  agent.world.ledger.add(attempt(), 1)
  expect(brief(agent.told())).toEqual(["attempts{mesh=m}=1"])
})

test("counters that start anew count whole, though what was told of them before is still known", () => {
  const agent = telling()
  agent.add(route("r"), 5)
  agent.observe(route("r"), 0.02, 5)
  agent.told()
  agent.kill("2")
  agent.add(route("r"), 3)
  agent.observe(route("r"), 0.02, 2)
  expect(brief(agent.told())).toEqual([
    "requests{mesh=m,route=r,virtual_service=s.local}=3",
    "duration{mesh=m,route=r,virtual_service=s.local}=0.04",
  ])
})

test("kept bytes of another version: what is there counts as told, and all places are free", () => {
  const { world, clock, add } = telling()
  add(route("r"), 5)
  world.ledger.commit()
  const outbox = committedOutbox(undefined)
  const producer = makeEmfProducer(
    {
      namespace: "n",
      sets: metricSets("meshscope"),
      logGroup: "g",
      zeros: false,
      maxMetrics: 100,
      capPeriod: "hour",
    },
    { snapshot: world.ledger.snapshot, clock, outbox, restored: () => Buffer.from([99, 1, 2]) },
  )
  producer.tick()
  expect(outbox.records).toEqual([])
  add(route("r"), 2)
  world.ledger.commit()
  producer.tick()
  expect(outbox.records).toHaveLength(1)
})

test("names of a pod are values, whatever they hold", () => {
  const names = [
    '"}',
    "\u0000\u001B[31m",
    "x".repeat(2000),
    `${"x".repeat(2000)}y`,
    "__proto__",
    "ü",
    "  ",
    "constructor",
  ]
  const { add, told, world } = telling()
  for (const [at, name] of names.entries()) add(route(name, { mesh: at === 0 ? "a b/ü" : "m" }), at + 1)
  const metrics = told()
  expect(metrics.length).toBeGreaterThanOrEqual(names.length - 1)
  expect(metrics.reduce((sum, metric) => sum + sumOf(metric), 0)).toBe(36)
  expect(world.producer.counters.refused.size).toBe(0)
  expect(metrics.some(({ dimensions }) => dimensions.includes("route=__proto__"))).toBe(true)
  expect(metrics.some(({ dimensions }) => dimensions.includes("route=\\u00fc"))).toBe(true)
  expect(metrics.some(({ dimensions }) => dimensions.includes("route=(none)"))).toBe(true)
  expect(world.outbox.records[0]?.key).toBe("/meshscope/a_b/_/metrics")
})

test("speaks App Mesh's names", () => {
  const agent = telling({ sets: metricSets("appmesh") })
  const call = {
    mesh: "m",
    reporter: "source",
    source: "ui",
    virtual_service: "s.local",
    virtual_node: "app",
  }
  agent.add({ ...call, code_class: "5xx", protocol: "http", outcome: "error" }, 2)
  agent.add(
    { mesh: "m", reporter: "destination", virtual_node: "app", protocol: "grpc", code_class: "2xx" },
    3,
  )
  agent.world.ledger.observe(
    agent.world.ledger.slot("upstreamDuration", { mesh: "m", source: "ui", virtual_node: "app" }),
    0.5,
  )
  const target = "Mesh=m,TargetVirtualNode=app,TargetVirtualService=s.local,VirtualNode=ui"
  expect(brief(agent.told()).toSorted()).toEqual([
    "envoy.appmesh.GrpcRequestCount{Mesh=m,VirtualNode=app}=3",
    `envoy.appmesh.HTTPCode_Target_5XX_Count{${target}}=2`,
    `envoy.appmesh.RequestCountPerTarget{${target}}=2`,
    "envoy.appmesh.RequestCount{Mesh=m,VirtualNode=app}=3",
    `envoy.appmesh.TargetResponseTime{${target}}=500`,
  ])
  agent.restart({ sets: metricSets("appmesh-cwagent") })
  agent.add(
    { mesh: "m", reporter: "destination", virtual_node: "app", protocol: "http", code_class: "2xx" },
    1,
  )
  expect(brief(agent.told())).toEqual([
    "envoy_appmesh_RequestCount{Mesh=m,VirtualNode=app,metric_type=counter}=1",
  ])
})

const times500 = (caller: string, service: string): string =>
  `envoy.appmesh.TargetResponseTime{Mesh=m,TargetVirtualNode=app,TargetVirtualService=${service},${caller}}=500`

test("App Mesh's response time is told of the one service by which a caller reaches a node, else it is ambiguous", () => {
  const { world, add, told } = telling({ sets: metricSets("appmesh") })
  const took = (labels: Record<string, string>): void =>
    world.ledger.observe(
      world.ledger.slot("upstreamDuration", { mesh: "m", virtual_node: "app", ...labels }),
      0.5,
    )
  const asked = (service: string, caller: Record<string, string>): void =>
    add({ mesh: "m", reporter: "source", virtual_service: service, virtual_node: "app", ...caller }, 1)
  const times = (): string[] => brief(told().filter(({ name }) => name.endsWith("TargetResponseTime")))
  took({ source: "ui" })
  expect(times()).toEqual([times500("VirtualNode=ui", "(none)")])
  asked("s1", { source: "ui" })
  asked("s1", { virtual_gateway: "gw" })
  asked("s2", { virtual_gateway: "gw" })
  took({ source: "ui" })
  took({ virtual_gateway: "gw" })
  expect(times()).toEqual([times500("VirtualNode=ui", "s1"), times500("VirtualGateway=gw", "(ambiguous)")])
  asked("s2", { source: "ui" })
  took({ source: "ui" })
  expect(times()).toEqual([times500("VirtualNode=ui", "(ambiguous)")])
})
