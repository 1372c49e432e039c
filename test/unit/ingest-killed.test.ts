import { describe, expect, it } from "vitest"
import { METRICS } from "#mesh/catalogue.ts"
import type { Journal, JournalBatch } from "../../collector/store/journal.ts"
import { SmallCollector, STEP_MS, T0 } from "../fixtures/collector/small-collector.ts"
import { at, counter, fastBuckets, total } from "../fixtures/otlp-in/cumulative.ts"

/** Keeps what was committed, as a disk would. */
function disk(): { journal: () => Journal } {
  const series = new Map<number, JournalBatch["series"][number]>()
  const rows: JournalBatch["rows"][number][] = []
  const kept = new Map<string, Uint8Array>()
  const journal = (): Journal => ({
    series: () => [...series.values()],
    rows: (stepMs, fromMs, toMs) =>
      rows.filter((row) => row.stepMs === stepMs && row.atMs >= fromMs && row.atMs < toMs),
    kept: () => new Map(kept),
    commit(batch) {
      for (const row of batch.series) series.set(row.id, row)
      for (const id of batch.forgotten) series.delete(id)
      rows.push(...batch.rows)
      for (const [key, bytes] of batch.kept) kept.set(key, bytes)
    },
    trim: () => undefined,
    bytes: () => 0,
    close: () => undefined,
  })
  return { journal }
}

describe("a collector that is killed", () => {
  it("counts every increment once, whenever it dies: cursors and increments are kept together", async () => {
    const { journal } = disk()
    let collector = new SmallCollector(journal())
    let value = 0
    for (let round = 0; round < 40; round++) {
      value += round % 7
      collector.send(
        "a",
        counter(at(value, T0, collector.now), {
          ...at(round, T0, collector.now),
          attributes: { route: "b" },
        }),
      )
      collector.pass(round % 3 === 0 ? 4000 : STEP_MS)
      if (round % 5 === 4) collector = new SmallCollector(journal(), collector.now + 2000)
    }
    collector.send(
      "a",
      counter(at(value, T0, collector.now), { ...at(39, T0, collector.now), attributes: { route: "b" } }),
    )
    collector.pass(2 * STEP_MS)
    expect(await total(collector)).toBe(value + 39)
    expect(collector.intake.counts.resets).toBe(0)
  })

  it("knows its agents, and counts histograms on from where they were", async () => {
    const { journal } = disk()
    const first = new SmallCollector(journal())
    first.send("a", fastBuckets(1000))
    first.send("a", fastBuckets(1010))
    first.pass(STEP_MS)
    const second = new SmallCollector(journal(), first.now + 1000)
    expect(second.intake.agents()).toMatchObject([{ id: "a", host: "h-a", series: 1, firstSeenMs: T0 }])
    second.send("a", fastBuckets(1013))
    second.pass(2 * STEP_MS)
    const { groups } = await second.store.query({
      metric: METRICS.duration,
      by: [],
      fromMs: T0 - 60_000,
      toMs: second.store.endMs,
    })
    expect(groups[0]?.values[1]).toBe(13)
    expect(groups[0]?.values.at(-1)).toBeCloseTo(0.013, 9)
  })
})
