import { setTimeout as sleep } from "node:timers/promises"
import { expect, test } from "vitest"
import { makeProcessMetrics } from "../../agent/telemetry/process-metrics.ts"

const families = makeProcessMetrics()

async function points(name: string) {
  return (await families()).find((family) => family.name === name)?.points ?? []
}

async function value(name: string): Promise<number> {
  return (await points(name))[0]?.value ?? Number.NaN
}

test("numbers are those of this process", async () => {
  const resident = (await value("process_resident_memory_bytes")) / process.memoryUsage.rss()
  expect(resident).toBeGreaterThan(0.8)
  expect(resident).toBeLessThan(1.25)
  expect(await value("process_open_fds")).toBeGreaterThan(2)
  expect(await value("process_max_fds")).toBeGreaterThanOrEqual(await value("process_open_fds"))
  const started = Date.now() / 1000 - process.uptime()
  expect(Math.abs((await value("process_start_time_seconds")) - started)).toBeLessThan(2)
})

test("a stall of the event loop is told once, as long as it was, and rest is no lateness", async () => {
  await value("nodejs_eventloop_lag_max_seconds")
  await sleep(250)
  const begun = performance.now()
  while (performance.now() - begun < 300);
  await sleep(250)
  const told = await families()
  const lag = (kind: string): number =>
    told.find(({ name }) => name === `nodejs_eventloop_lag_${kind}_seconds`)?.points[0]?.value ?? Number.NaN
  expect(lag("max")).toBeGreaterThan(0.18)
  expect(lag("max")).toBeLessThan(2)
  expect(lag("min")).toBeLessThan(0.05)
})

test("collections of garbage are counted by kind and length", async () => {
  const kept: unknown[] = []
  const name = "nodejs_gc_duration_seconds"
  for (let round = 0; round < 400 && (await points(name)).length === 0; round++) {
    for (let index = 0; index < 20_000; index++) kept[index % 100] = { index, text: `${index}` }
    await sleep(1)
  }
  const [first] = await points(name)
  const { counts = [], bounds = [] } = first?.histogram ?? {}
  expect(first?.labels["kind"]).toMatch(/^(?:major|minor|incremental|weakcb)$/)
  expect(counts).toHaveLength(bounds.length + 1)
  expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0)
  expect(first?.value).toBeGreaterThan(0)
})
