import { rmSync } from "node:fs"
import * as fc from "fast-check"
import { expect, test } from "vitest"
import { DURATION_BOUNDS } from "#mesh/catalogue.ts"
import { BUCKET_COUNT, bucketOf, makeHistogram, observe } from "#mesh/histogram.ts"
import { dimensionValue, logGroup } from "../../agent/publish/cloudwatch-emf/dimension-value.ts"
import { representatives } from "../../agent/publish/cloudwatch-emf/representatives.ts"
import { percentileOf, type ReadMetric, readEmf, sumOf } from "../fixtures/cloudwatch/emf-reader.ts"
import { routeLabels, startTelling } from "../fixtures/cloudwatch/telling.ts"
import { temporaryPath } from "../fixtures/ledger/folder.ts"

const HOSTILE = [
  "a",
  "b",
  "__proto__",
  '"}{',
  "\u0000\u001B[2J",
  "ü".repeat(700),
  "x".repeat(2000),
  "(overflow)",
  " ",
]
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("add" as const),
      route: fc.constantFrom(...HOSTILE),
      amount: fc.nat(1000),
      error: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("observe" as const),
      route: fc.constantFrom(...HOSTILE),
      seconds: fc.double({ min: 0, max: 400, noNaN: true }),
      count: fc.integer({ min: 1, max: 50 }),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ do: "commit" as const }) },
  { weight: 3, arbitrary: fc.constant({ do: "tick" as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pass" as const), minutes: fc.nat(200) }) },
  { weight: 1, arbitrary: fc.constant({ do: "restart" as const }) },
  { weight: 2, arbitrary: fc.constant({ do: "kill" as const }) },
)

/** What the ledger says now, over all series of a metric. */
function counted(agent: ReturnType<typeof startTelling>, outcome?: string): number {
  const { snapshot } = agent.world.ledger
  const family = snapshot.families.find(({ key }) => key === "requests")
  return (family?.series ?? [])
    .filter(
      ({ labels }) =>
        outcome === undefined || labels.some(([name, value]) => name === "outcome" && value === outcome),
    )
    .reduce((sum, { slot }) => sum + (snapshot.values[slot] ?? 0), 0)
}
function observed(agent: ReturnType<typeof startTelling>): { counts: number; seconds: number } {
  const { snapshot } = agent.world.ledger
  let counts = 0
  let seconds = 0
  for (const { slot, bucketAt } of snapshot.families.find(({ key }) => key === "duration")?.series ?? []) {
    seconds += snapshot.values[slot] ?? 0
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) counts += snapshot.buckets[bucketAt + bucket] ?? 0
  }
  return { counts, seconds }
}
const total = (metrics: readonly ReadMetric[], name: string): number =>
  metrics.filter((metric) => metric.name === name).reduce((sum, metric) => sum + sumOf(metric), 0)

test("over any commits, restarts and kills, what was told sums up to what the ledger says, and every document is valid", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.constantFrom(9, 15, 1000),
      fc.boolean(),
      (steps, maxMetrics, zeros) => {
        const agent = startTelling({ maxMetrics, zeros }, temporaryPath())
        const folders = new Set([agent.world.folder])
        try {
          for (const one of steps) {
            if (one.do === "add")
              agent.add(routeLabels(one.route, { outcome: one.error ? "error" : "ok" }), one.amount)
            else if (one.do === "observe") agent.observe(routeLabels(one.route), one.seconds, one.count)
            else if (one.do === "commit") agent.world.ledger.commit()
            else if (one.do === "tick") agent.world.producer.tick()
            else if (one.do === "pass") agent.clock.advance(one.minutes * 60_000)
            else if (one.do === "restart") agent.restart()
            else agent.kill()
            folders.add(agent.world.folder)
          }
          agent.told()
          // All that was ever committed to the outbox, read by the specification.
          const metrics = agent.world.outbox.records.flatMap(({ payload }) => readEmf(payload))
          expect(total(metrics, "requests")).toBe(counted(agent))
          expect(total(metrics, "errors")).toBe(counted(agent, "error"))
          const { counts, seconds } = observed(agent)
          const told = metrics.filter(({ name }) => name === "duration").flatMap(({ samples }) => samples)
          expect(told.reduce((sum, [, count]) => sum + count, 0)).toBe(counts)
          expect(Math.abs(total(metrics, "duration") - seconds)).toBeLessThanOrEqual(1e-2 * (1 + seconds))
          expect(agent.world.producer.counters.refused.size).toBe(0)
        } finally {
          agent.world.ledger.close()
          for (const folder of folders) rmSync(folder, { recursive: true, force: true })
        }
      },
    ),
    { numRuns: 60 },
  )
}, 120_000)

const durations = fc.array(
  fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 2000, noNaN: true }),
    fc.constantFrom(...DURATION_BOUNDS, 0),
  ),
  { minLength: 1, maxLength: 300 },
)

test("a percentile of what is told lies in the bucket of the true one, and sum and count are the true ones", () => {
  fc.assert(
    fc.property(durations, fc.constantFrom(0.5, 0.9, 0.95, 0.99, 0.999, 1), (seconds, share) => {
      const histogram = makeHistogram()
      for (const one of seconds) observe(histogram, one)
      const { values, counts, sum, count } = representatives(histogram.counts, 0, histogram.sum, 1)
      expect(count).toBe(seconds.length)
      expect(values.length).toBeLessThanOrEqual(BUCKET_COUNT)
      const sorted = seconds.toSorted((one, other) => one - other)
      const truth = sorted[Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1)] ?? Number.NaN
      const told = percentileOf([{ samples: values.map((value, at) => [value, counts[at] ?? 0]) }], share)
      expect(bucketOf(told ?? Number.NaN)).toBe(bucketOf(truth))
      // A thousandth of each bucket's width is the least that a value stands above its lower bound.
      const widths = seconds.reduce((all, one) => all + (DURATION_BOUNDS[bucketOf(one)] ?? 0), 0)
      expect(Math.abs(sum - histogram.sum)).toBeLessThanOrEqual(1e-3 * widths + 1e-9 * histogram.sum)
    }),
  )
})

test("names stay apart and are what CloudWatch takes", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 3000 }),
      fc.string({ unit: "binary", maxLength: 3000 }),
      (one, other) => {
        const value = dimensionValue(one)
        expect(value).toMatch(/^[ -~]{1,1024}$/)
        expect(value.trim()).not.toBe("")
        const alike = one === other || one.trim() === "" || other.trim() === ""
        expect(alike || dimensionValue(other) !== value).toBe(true)
        expect(logGroup("/meshscope/{mesh}/metrics", one)).toMatch(/^[\w/.#-]{1,512}$/)
      },
    ),
  )
})
