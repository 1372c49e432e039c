import { describe, expect, it } from "vitest"
import { DURATION_BOUNDS, METRICS } from "#mesh/catalogue.ts"
import { judge } from "../../collector/ingest/cursor.ts"
import { makePoint } from "../../collector/ingest/otlp-point.ts"
import { SmallCollector, STEP_MS, T0 } from "../fixtures/collector/small-collector.ts"
import { at, counter, total } from "../fixtures/otlp-in/cumulative.ts"
import type { TestMetric } from "../fixtures/otlp-in/otlp-writer.ts"

describe("what a cumulative point says", () => {
  it.each([
    // start, time, value against start 100, time 200, value 10
    [100, 210, 12, "grown"],
    [100, 210, 10, "repeated"],
    [100, 200, 10, "repeated"],
    [100, 190, 10, "repeated"],
    [100, 190, 8, "old"],
    [100, 190, 12, "grown"], // The sender's clock stepped back; a larger count is newer all the same.
    [100, 210, 3, "reset"],
    [205, 210, 3, "reset"],
    [205, 210, 30, "reset"],
    [50, 210, 30, "old"],
    [100.5, 210, 12, "grown"], // The same start, rounded otherwise.
    [0, 210, 12, "grown"], // No start told: only a fall is a reset.
    [0, 210, 3, "reset"],
  ])("start %d, time %d, value %d: %s", (startMs, timeMs, value, step) => {
    const cursor = {
      ref: 0,
      metric: METRICS.requests,
      startMs: 100,
      timeMs: 200,
      value: 10,
      counts: undefined,
      touchedMs: 0,
      gone: false,
    }
    const point = Object.assign(makePoint(), { startMs, timeMs, value })
    expect(judge(cursor, point, value, value < cursor.value, cursor.value)).toBe(step)
  })
})

describe("cumulative intake", () => {
  it("counts growth once, whatever is repeated or comes late", async () => {
    const collector = new SmallCollector()
    const start = T0
    collector.send("a", counter(at(5, start, T0 + 1)))
    collector.send("a", counter(at(5, start, T0 + 1)))
    collector.now += 1000
    collector.send("a", counter(at(9, start, T0 + 3)))
    collector.send("a", counter(at(7, start, T0 + 2)))
    collector.send("a", counter(at(9, start, T0 + 3)))
    expect(await total(collector)).toBe(9)
    expect(collector.intake.counts).toMatchObject({ accepted: 2, repeated: 2, old: 1, resets: 0 })
  })

  it("counts from zero after a new start and after a fall, each series by itself", async () => {
    const collector = new SmallCollector()
    collector.send("a", counter(at(5, T0, T0 + 1), { ...at(100, T0, T0 + 1), attributes: { route: "b" } }))
    collector.send("a", counter(at(2, T0 + 10, T0 + 11)))
    collector.send("a", counter(at(1, T0 + 10, T0 + 12)))
    collector.send("a", counter({ ...at(101, T0, T0 + 12), attributes: { route: "b" } }))
    expect(await total(collector)).toBe(5 + 2 + 1 + 101)
    expect(collector.intake.counts.resets).toBe(2)
  })

  it("adds up over agents and keeps their cursors apart", async () => {
    const collector = new SmallCollector()
    collector.send("a", counter(at(5, T0, T0)))
    collector.send("b", counter(at(7, T0, T0)))
    collector.send("a", counter(at(6, T0, T0 + 1)))
    expect(await total(collector)).toBe(13)
    expect(collector.store.health().series).toBe(1)
    expect(collector.intake.agents().map(({ id, host }) => [id, host])).toEqual([
      ["a", "h-a"],
      ["b", "h-b"],
    ])
  })

  it("takes a series that began long before only as a place to count from", async () => {
    const collector = new SmallCollector()
    const old = T0 - 7_200_000
    collector.send("a", counter(at(1_000_000, old, T0)))
    collector.send("a", counter(at(1_000_003, old, T0 + 1)))
    expect(await total(collector)).toBe(3)
    expect(collector.intake.counts.baselines).toBe(1)
  })

  it("counts a new series of an agent whose clock is an hour ahead or behind, by the receive time", async () => {
    for (const skew of [3_600_000 * 3, -3_600_000 * 3]) {
      const collector = new SmallCollector()
      collector.send("a", counter(at(4, T0 + skew - 1000, T0 + skew)))
      collector.now += 5000
      collector.send("a", counter(at(6, T0 + skew - 1000, T0 + skew + 5000)))
      expect(await total(collector)).toBe(6)
      expect(collector.intake.counts.clamped).toBe(2)
      expect(collector.intake.agents()[0]?.skewMs).toBe(skew)
    }
  })

  it("counts whole a series that appears late with an old start, once its agent has told everything", async () => {
    const collector = new SmallCollector()
    const old = T0 - 7_200_000
    collector.send("a", counter(at(50, old, T0)))
    collector.pass(660_000)
    collector.send(
      "a",
      counter(at(50, old, T0 + 660_000), { ...at(3, old, T0 + 660_000), attributes: { route: "new" } }),
    )
    expect(await total(collector)).toBe(3)
  })

  it("spreads what grew while the agent could not reach us", async () => {
    const collector = new SmallCollector()
    collector.send("a", counter(at(0, T0, T0)))
    collector.pass(8 * STEP_MS)
    collector.send("a", counter(at(90, T0, collector.now)))
    collector.pass(STEP_MS)
    const answer = await collector.store.query({
      metric: METRICS.requests,
      by: [],
      fromMs: T0,
      toMs: T0 + 9 * STEP_MS,
      stepMs: STEP_MS,
    })
    expect([...(answer.groups[0]?.values ?? [])]).toEqual(Array(9).fill(10))
  })

  it("reads histograms bucket by bucket, and a fall in any bucket as a reset", async () => {
    const collector = new SmallCollector()
    collector.send("a", buckets(2, 1, 10, T0))
    collector.send("a", buckets(3, 1, 11, T0 + 1))
    collector.send("a", buckets(9, 0, 4, T0 + 2))
    collector.send("a", buckets(9, 0, 4, T0 + 2))
    collector.pass(STEP_MS)
    const { groups } = await collector.store.query({
      metric: METRICS.duration,
      by: [],
      fromMs: T0,
      toMs: T0 + STEP_MS,
    })
    const values = groups[0]?.values ?? new Float64Array()
    expect([values[0], values[DURATION_BOUNDS.length], values.at(-1)]).toEqual([12, 1, 15])
    expect(collector.intake.counts).toMatchObject({ accepted: 2, resets: 1, repeated: 1 })
  })

  it.each<[string, TestMetric]>([
    ["not in the catalogue", { name: "nope", kind: "sum", points: [at(1, T0, T0)] }],
    [
      "must be cumulative",
      { name: METRICS.requests.name, kind: "sum", temporality: 1, points: [at(1, T0, T0)] },
    ],
    [
      "must be a monotonic sum",
      { name: METRICS.requests.name, kind: "sum", monotonic: false, points: [at(1, T0, T0)] },
    ],
    ["must be a monotonic sum", { name: METRICS.requests.name, kind: "gauge", points: [at(1, T0, T0)] }],
    ["must be a gauge", { name: METRICS.proxyUp.name, kind: "sum", points: [at(1, T0, T0)] }],
    ["must be a histogram", { name: METRICS.duration.name, kind: "sum", points: [at(1, T0, T0)] }],
    ["no count", { name: METRICS.requests.name, kind: "sum", points: [at(-1, T0, T0)] }],
    ["no count", { name: METRICS.requests.name, kind: "sum", points: [at(Number.NaN, T0, T0)] }],
    ["no count", { name: METRICS.requests.name, kind: "sum", points: [at(2 ** 60, T0, T0)] }],
    [
      "other bucket bounds",
      {
        name: METRICS.duration.name,
        kind: "histogram",
        bounds: [1],
        points: [{ attributes: {}, counts: [1, 1] }],
      },
    ],
    [
      "too long",
      {
        name: METRICS.requests.name,
        kind: "sum",
        points: [{ ...at(1, T0, T0), attributes: { route: "x".repeat(2000) } }],
      },
    ],
    [
      "zero character",
      {
        name: METRICS.requests.name,
        kind: "sum",
        points: [{ ...at(1, T0, T0), attributes: { route: "x\u0000y" } }],
      },
    ],
    [
      "more than 48",
      {
        name: METRICS.requests.name,
        kind: "sum",
        points: [
          {
            ...at(1, T0, T0),
            attributes: Object.fromEntries(Array.from({ length: 49 }, (_, n) => [`l${n}`, "x"])),
          },
        ],
      },
    ],
  ])("rejects a point alone, with the reason: %s", (reason, metric) => {
    const collector = new SmallCollector()
    const good: TestMetric = { name: METRICS.requests.name, kind: "sum", points: [at(1, T0, T0)] }
    const taken = collector.send("a", [metric, good])
    expect(taken.rejected).toBe(1)
    expect(taken.reason).toContain(reason)
    expect(collector.intake.counts).toMatchObject({ rejected: 1, accepted: 1 })
  })

  it("bounds agents and series, and counts what it refuses", () => {
    const collector = new SmallCollector()
    for (let agent = 0; agent < 12; agent++) collector.send(`agent-${agent}`, counter(at(1, T0, T0)))
    expect(collector.intake.agents()).toHaveLength(10)
    expect(collector.intake.counts.rejected).toBe(2)
    const many = Array.from({ length: 6000 }, (_, n) => ({
      ...at(1, T0, T0),
      attributes: { route: `r${n}` },
    }))
    expect(collector.send("agent-1", counter(...many))).toEqual({
      rejected: 1001,
      reason: "the agent's series limit is reached",
    })
  })
})

function buckets(first: number, last: number, sum: number, timeMs: number): TestMetric[] {
  return [
    {
      name: METRICS.duration.name,
      kind: "histogram",
      points: [
        {
          attributes: {},
          counts: [first, ...Array(DURATION_BOUNDS.length - 1).fill(0), last],
          sum,
          startMs: T0,
          timeMs,
        },
      ],
    },
  ]
}
