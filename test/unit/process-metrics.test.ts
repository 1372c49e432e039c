import { setTimeout as sleep } from "node:timers/promises"
import { collectDefaultMetrics, Registry } from "prom-client"
import { expect, test } from "vitest"
import { watchProcess } from "../../agent/telemetry/process-metrics.ts"

/** These read private parts of Node; what they tell is in `nodejs_active_resources`. */
const LEFT_OUT = /^nodejs_active_(?:handles|requests)/

const theirs = new Registry()
collectDefaultMetrics({ register: theirs })

/** Name, type, help, and which names of labels its points have. */
function shape(
  { name, type, help }: { name: string; type: unknown; help: string },
  points: readonly { readonly labels: object }[],
) {
  // Of garbage there may have been none yet
  const labels =
    name === "nodejs_gc_duration_seconds" ? [] : points.map((point) => Object.keys(point.labels).join())
  return { name, type: String(type), help, labels: new Set(labels) }
}

test("the process's metrics have the names, types, helps and labels of prom-client", async () => {
  const watched = watchProcess(process.versions.node)
  await sleep(250)
  const usual = (await theirs.getMetricsAsJSON()).filter(({ name }) => !LEFT_OUT.test(name))
  expect(watched.families().map((family) => shape(family, family.points))).toEqual(
    usual.map((metric) => shape(metric, metric.values)),
  )
  watched.close()
})

test("numbers are those of this process", () => {
  const watched = watchProcess(process.versions.node)
  const value = (name: string): number =>
    watched.families().find((family) => family.name === name)?.points[0]?.value ?? Number.NaN
  const resident = value("process_resident_memory_bytes") / process.memoryUsage.rss()
  expect(resident).toBeGreaterThan(0.8)
  expect(resident).toBeLessThan(1.25)
  const { user, system } = process.cpuUsage()
  expect(value("process_cpu_seconds_total")).toBeGreaterThanOrEqual((user + system) / 1e6)
  expect(value("process_open_fds")).toBeGreaterThan(2)
  expect(value("process_max_fds")).toBeGreaterThanOrEqual(value("process_open_fds"))
  expect(Math.abs(value("process_start_time_seconds") - (Date.now() / 1000 - process.uptime()))).toBeLessThan(
    2,
  )
  watched.close()
})

test("a stall of the event loop is told once, as long as it was", async () => {
  const watched = watchProcess(process.versions.node)
  const longest = (): number =>
    watched.families().find(({ name }) => name === "nodejs_eventloop_lag_max_seconds")?.points[0]?.value ?? 0
  await sleep(250)
  const begun = performance.now()
  while (performance.now() - begun < 300);
  await sleep(250)
  const told = longest()
  expect(told).toBeGreaterThan(0.18)
  expect(told).toBeLessThan(2)
  watched.close()
})

test("collections of garbage are counted by kind and length", async () => {
  const watched = watchProcess(process.versions.node)
  const kept: unknown[] = []
  const family = () => watched.families().find(({ name }) => name === "nodejs_gc_duration_seconds")
  for (let round = 0; round < 400 && (family()?.points.length ?? 0) === 0; round++) {
    for (let index = 0; index < 20_000; index++) kept[index % 100] = { index, text: `${index}` }
    await sleep(1)
  }
  const [first] = family()?.points ?? []
  const { counts = [], bounds = [] } = first?.histogram ?? {}
  expect(first?.labels["kind"]).toMatch(/^(?:major|minor|incremental|weakcb)$/)
  expect(counts).toHaveLength(bounds.length + 1)
  expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0)
  expect(first?.value).toBeGreaterThan(0)
  watched.close()
})
