import { expect, test } from "vitest"
import { metricSets, type WrittenSet } from "#mesh/cloudwatch/metric-sets.ts"
import { type ReadMetric, sumOf } from "../fixtures/cloudwatch/emf-reader.ts"
import { routeLabels, telling } from "../fixtures/cloudwatch/telling.ts"

const REQUESTS: WrittenSet = { reporter: "source", dimensions: ["mesh", "route"], metrics: ["requests"] }
const sets = metricSets("meshscope", [REQUESTS])
const HOUR_MS = 3_600_000

const routeOf = ({ dimensions }: ReadMetric): string => /route=([^,]+)/.exec(dimensions)?.[1] ?? ""
const routesOf = (metrics: readonly ReadMetric[]): string[] => metrics.map(routeOf).toSorted()
const total = (metrics: readonly ReadMetric[]): number =>
  metrics.reduce((sum, metric) => sum + sumOf(metric), 0)

test("of 5,000 routes the biggest have their metrics, the rest is one, and a number says how many", () => {
  const { world, add, told } = telling({ sets, maxMetrics: 100 })
  for (let at = 1; at <= 5000; at++) add(routeLabels(`r${at}`), at)
  const metrics = told()
  expect(metrics).toHaveLength(100)
  expect(total(metrics)).toBe(12_502_500)
  expect(metrics.filter((metric) => routeOf(metric) === "(overflow)").map(sumOf)).toEqual([(4901 * 4902) / 2])
  expect(routesOf(metrics)).toContain("r5000")
  expect(routesOf(metrics)).toContain("r4902")
  const { counters } = world.producer
  expect([...counters.folded.values()]).toEqual([4901])
  expect(counters).toMatchObject({ places: 100, month: 100, limit: 100 })
})

test("default sets: each group takes the places of all its metrics, and the overflow sets keep theirs", () => {
  const { add, told } = telling({ maxMetrics: 30 })
  for (let at = 1; at <= 50; at++) add(routeLabels(`r${at}`), at)
  // 30 less 9 for the overflow of three sets is 21: seven groups of three.
  expect(routesOf(told())).toHaveLength(8)
})

test("within an hour nobody loses a place, however big others get; at its end the biggest have them", () => {
  const { clock, add, told } = telling({ sets, maxMetrics: 3 })
  add(routeLabels("a"), 10)
  add(routeLabels("b"), 10)
  expect(routesOf(told())).toEqual(["a", "b"])
  for (let minute = 1; minute < 60; minute++) {
    add(routeLabels("a"), 1)
    add(routeLabels("new"), 1000)
    expect(routesOf(told())).toEqual(["(overflow)", "a"])
  }
  add(routeLabels("a"), 1)
  add(routeLabels("b"), 1)
  add(routeLabels("new"), 1000)
  expect(routesOf(told())).toEqual(["(overflow)", "a", "new"])
  expect(clock.now() % HOUR_MS).toBe(60_000)
})

test("a free place is given at once, the biggest first", () => {
  const { add, told } = telling({ sets, maxMetrics: 4 })
  add(routeLabels("a"), 1)
  expect(routesOf(told())).toEqual(["a"])
  for (const [name, amount] of [
    ["b", 1],
    ["c", 5],
    ["d", 3],
  ] as const)
    add(routeLabels(name), amount)
  expect(routesOf(told())).toEqual(["(overflow)", "c", "d"])
})

test("two of nearly the same size do not take turns", () => {
  const { clock, add, told } = telling({ sets, maxMetrics: 2 })
  add(routeLabels("a"), 110)
  const members = new Set<string>()
  for (let hour = 0; hour < 48; hour++) {
    add(routeLabels("a"), hour % 2 === 0 ? 110 : 100)
    add(routeLabels("b"), hour % 2 === 0 ? 100 : 110)
    for (const route of routesOf(told())) members.add(route)
    clock.advance(HOUR_MS - 60_000)
  }
  expect([...members].toSorted()).toEqual(["(overflow)", "a"])
})

test("by month, places are given anew when a month begins", () => {
  const { clock, add, told, world } = telling({ sets, maxMetrics: 2, capPeriod: "month" })
  add(routeLabels("a"), 1)
  told()
  for (let day = 21; day <= 30; day++) {
    add(routeLabels("big"), 1000)
    expect(routesOf(told())).toEqual(["(overflow)"])
    clock.advance(24 * HOUR_MS - 60_000)
  }
  expect(new Date(clock.now()).toISOString()).toMatch(/^2026-12-01/)
  add(routeLabels("big"), 1000)
  expect(routesOf(told())).toEqual(["big"])
  expect(world.producer.counters.month).toBe(1)
})

test("places are kept over a restart and a kill, also of those that say nothing after it", () => {
  for (const end of ["restart", "kill"] as const) {
    const agent = telling({ sets, maxMetrics: 3 })
    agent.add(routeLabels("a"), 5)
    agent.add(routeLabels("b"), 5)
    agent.told()
    agent[end]()
    agent.add(routeLabels("c"), 1000)
    agent.add(routeLabels("a"), 1)
    expect(routesOf(agent.told())).toEqual(["(overflow)", "a"])
    expect(agent.world.producer.counters.month).toBe(3)
  }
})

test("who is not heard of for long gives its place free", () => {
  const { clock, add, told } = telling({ sets, maxMetrics: 2 })
  add(routeLabels("a"), 5)
  told()
  clock.advance(24 * HOUR_MS)
  add(routeLabels("b"), 1)
  expect(routesOf(told())).toEqual(["b"])
  add(routeLabels("a"), 1)
  expect(routesOf(told())).toEqual(["(overflow)"])
})

test("each mesh has its overflow, up to eight; then they share one", () => {
  const { world, add, told } = telling({ sets, maxMetrics: 8 })
  for (let mesh = 1; mesh <= 12; mesh++)
    for (let at = 1; at <= 10; at++) add(routeLabels(`r${at}`, { mesh: `mesh-${mesh}` }), 1)
  const metrics = told()
  expect(total(metrics)).toBe(120)
  expect(metrics).toHaveLength(9)
  expect(new Set(world.outbox.records.map(({ key }) => key)).size).toBe(9)
})

test("a mesh that is its own only dimension needs no overflow", () => {
  const perMesh: WrittenSet = { reporter: "source", dimensions: ["mesh"], metrics: ["requests"] }
  const { add, told, world } = telling({ sets: metricSets("meshscope", [perMesh]), maxMetrics: 1 })
  add(routeLabels("a"), 2)
  add(routeLabels("b"), 3)
  expect(told().map((metric) => `${metric.dimensions} ${sumOf(metric)}`)).toEqual(["mesh=m 5"])
  expect([...world.producer.counters.folded.values()]).toEqual([0])
})
