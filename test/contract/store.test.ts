import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { METRICS } from "#mesh/catalogue.ts"
import { BUCKETS, HISTOGRAM_WIDTH } from "../../collector/store/cells.ts"
import { EmbeddedStore } from "../../collector/store/embedded-store.ts"
import { memoryJournal } from "../../collector/store/journal.ts"
import { type RangeQuery, REFUSED, type SeriesStore } from "../../collector/store/series-store.ts"
import { openSqliteJournal } from "../../collector/store/sqlite-journal.ts"

const STEP = 15_000
const HOUR = 3_600_000
const T0 = 1_790_000_000_000 - (1_790_000_000_000 % HOUR)
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

const IMPLEMENTATIONS: readonly [string, (maxSeries: number) => SeriesStore][] = [
  ["memory", (maxSeries) => new EmbeddedStore({ stepMs: STEP, maxSeries }, memoryJournal(60_000), T0)],
  [
    "SQLite",
    (maxSeries) => {
      const folder = mkdtempSync(join(tmpdir(), "store-contract-"))
      folders.push(folder)
      return new EmbeddedStore(
        { stepMs: STEP, maxSeries },
        openSqliteJournal(folder, () => undefined),
        T0,
      )
    },
  ],
]

const labels = (route: string, more: Record<string, string> = {}): Map<string, string> =>
  new Map(Object.entries({ mesh: "m", route, ...more }))

async function values(store: SeriesStore, query: Partial<RangeQuery>): Promise<Record<string, number[]>> {
  const answer = await store.query({
    metric: METRICS.requests,
    by: ["route"],
    fromMs: store.endMs - 60_000,
    toMs: store.endMs,
    ...query,
  })
  return Object.fromEntries(answer.groups.map((group) => [group.labels.join("/"), [...group.values]]))
}

describe.each(IMPLEMENTATIONS)("a series store keeps its promises: %s", (_name, open) => {
  it("shows increments once their step is over, and adds up what is written to one series", async () => {
    const store = open(100)
    const ref = store.series(METRICS.requests, labels("a"))
    expect(store.series(METRICS.requests, new Map([...labels("a")].toReversed()))).toBe(ref)
    store.add(ref, 3, T0)
    store.add(ref, 4, T0 + 100)
    expect(await values(store, {})).toEqual({ a: [0] })
    expect(store.advance(T0 + STEP - 1)).toBe(false)
    expect(store.advance(T0 + STEP)).toBe(true)
    expect(await values(store, {})).toEqual({ a: [7] })
    store.close()
  })

  it("counts generations by steps that ended", () => {
    const store = open(100)
    const before = store.generation
    store.advance(T0 + STEP)
    store.advance(T0 + STEP + 1)
    store.advance(T0 + 5 * STEP)
    expect(store.generation).toBe(before + 2)
    expect(store.endMs).toBe(T0 + 5 * STEP)
    store.close()
  })

  it("answers by step, grouped by labels, filtered by matches", async () => {
    const store = open(100)
    const ok = store.series(METRICS.requests, labels("a", { outcome: "ok" }))
    const error = store.series(METRICS.requests, labels("a", { outcome: "error" }))
    const other = store.series(METRICS.requests, labels("b", { outcome: "ok" }))
    for (let step = 0; step < 8; step++) {
      store.add(ok, step + 1, T0 + step * STEP)
      if (step === 3) store.add(error, 1, T0 + step * STEP)
      store.add(other, 100, T0 + step * STEP)
      store.advance(T0 + (step + 1) * STEP)
    }
    const range = { fromMs: T0, toMs: T0 + 8 * STEP }
    expect(await values(store, { ...range, stepMs: STEP })).toEqual({
      a: [1, 2, 3, 5, 5, 6, 7, 8],
      b: Array(8).fill(100),
    })
    expect(await values(store, { ...range, stepMs: 4 * STEP, match: { outcome: "ok" } })).toEqual({
      a: [10, 26],
      b: [400, 400],
    })
    expect(await values(store, { ...range, match: { route: ["b", "c"] }, by: ["mesh", "outcome"] })).toEqual({
      "m/ok": [800],
    })
    expect(await values(store, { ...range, match: { source: "" }, by: [] })).toEqual({ "": [837] })
    store.close()
  })

  it("keeps buckets and sums of histograms apart", async () => {
    const store = open(100)
    const ref = store.series(METRICS.duration, labels("a"))
    const counts = new Float64Array(BUCKETS)
    counts[3] = 5
    counts[BUCKETS - 1] = 1
    store.observe(ref, counts, 312.5, T0)
    store.advance(T0 + STEP)
    const answer = await store.query({ metric: METRICS.duration, by: [], fromMs: T0, toMs: T0 + STEP })
    const got = [...(answer.groups[0]?.values ?? [])]
    expect(answer.width).toBe(HISTOGRAM_WIDTH)
    expect(got).toEqual([0, 0, 0, 5, ...Array(BUCKETS - 5).fill(0), 1, 312.5])
    store.close()
  })

  it("takes large, tiny and fractional amounts exactly", async () => {
    const store = open(100)
    const ref = store.series(METRICS.requests, labels("a"))
    const amounts = [65_535, 65_536, 0.25, Number.MAX_SAFE_INTEGER - 70_000, 1]
    amounts.forEach((amount, step) => {
      store.add(ref, amount, T0 + step * STEP)
      store.advance(T0 + (step + 1) * STEP)
    })
    const range = { fromMs: T0, toMs: T0 + 5 * STEP, stepMs: STEP }
    expect(await values(store, range)).toEqual({ a: amounts })
    store.close()
  })

  it("spreads what happened while nobody looked, and loses none of it", async () => {
    const store = open(100)
    const ref = store.series(METRICS.requests, labels("a"))
    store.advance(T0 + 10 * STEP)
    store.add(ref, 103, T0 + 10 * STEP, T0 + 6 * STEP)
    store.advance(T0 + 11 * STEP)
    const got = await values(store, { fromMs: T0 + 5 * STEP, toMs: T0 + 11 * STEP, stepMs: STEP })
    expect(got["a"]?.reduce((sum, value) => sum + value, 0)).toBe(103)
    expect(got).toEqual({ a: [0, 20, 21, 20, 21, 21] })
    store.close()
  })

  it("answers a day in minutes beyond the hour of steps", async () => {
    const store = open(100)
    const ref = store.series(METRICS.requests, labels("a"))
    let now = T0
    for (let step = 0; step < 3 * 240; step++) {
      store.add(ref, 2, now)
      now += STEP
      store.advance(now)
    }
    const hours = await values(store, { fromMs: T0, toMs: now, stepMs: HOUR })
    expect(hours).toEqual({ a: [480, 480, 480] })
    const before = await values(store, { fromMs: T0 + 30 * 60_000, toMs: now - 15 * 60_000 })
    expect(before).toEqual({ a: [(3 * 240 - 180) * 2] })
    const fine = await store.query({ metric: METRICS.requests, by: [], fromMs: T0, toMs: now, stepMs: STEP })
    expect(fine.fromMs).toBe(now - HOUR)
    store.close()
  })

  it("counts what is too old for its memory at the oldest step, and says so", async () => {
    const store = open(100)
    const ref = store.series(METRICS.requests, labels("a"))
    store.advance(T0 + 2 * HOUR)
    store.add(ref, 1000, T0 + 2 * HOUR, T0)
    store.advance(T0 + 2 * HOUR + STEP)
    expect(await values(store, { fromMs: T0 + HOUR - 60_000, toMs: store.endMs })).toEqual({ a: [1000] })
    expect(store.health().late).toBeGreaterThan(0)
    store.close()
  })

  it("refuses series above its limit, counts them, and goes on with the others", async () => {
    const store = open(2)
    const a = store.series(METRICS.requests, labels("a"))
    expect(store.series(METRICS.requests, labels("b"))).not.toBe(REFUSED)
    expect(store.series(METRICS.requests, labels("c"))).toBe(REFUSED)
    store.add(REFUSED, 5, T0)
    store.add(a, 1, T0)
    store.advance(T0 + STEP)
    expect(await values(store, {})).toEqual({ a: [1], b: [0] })
    expect(store.health()).toMatchObject({ series: 2, seriesLimit: 2, seriesRefused: 1 })
    store.close()
  })

  it("forgets a silent series within a day and gives its place to another with clean cells", async () => {
    const store = open(1)
    const ref = store.series(METRICS.requests, labels("a"))
    store.add(ref, 9, T0)
    for (let hour = 1; hour <= 27; hour++) store.advance(T0 + hour * HOUR)
    expect(store.health().series).toBe(0)
    const next = store.series(METRICS.requests, labels("b"))
    expect(next).not.toBe(REFUSED)
    store.advance(store.endMs + STEP)
    expect(await values(store, { fromMs: T0, toMs: store.endMs })).toEqual({ b: [0] })
    store.close()
  })

  it("keeps a gauge per agent, with when it changed, and lets it go", async () => {
    const store = open(100)
    const ref = store.series(METRICS.proxyUp, new Map([["proxy", "p"]]))
    store.set(ref, "agent-1", 1, T0)
    store.set(ref, "agent-2", 1, T0)
    store.set(ref, "agent-1", 0, T0 + 5000)
    store.set(ref, "agent-1", 0, T0 + 9000)
    const rows = await store.gauges(METRICS.proxyUp, { proxy: "p" })
    expect(rows.map(({ agent, value, atMs, sinceMs }) => [agent, value, atMs - T0, sinceMs - T0])).toEqual([
      ["agent-1", 0, 9000, 5000],
      ["agent-2", 1, 0, 0],
    ])
    store.retire(ref, "agent-1")
    expect((await store.gauges(METRICS.proxyUp)).map((row) => row.agent)).toEqual(["agent-2"])
    for (let minute = 1; minute <= 64; minute++) store.advance(T0 + minute * 60_000)
    expect(await store.gauges(METRICS.proxyUp)).toEqual([])
    expect(store.health().series).toBe(0)
    store.close()
  })

  it("lists values of a label and describes a series", async () => {
    const store = open(100)
    const ref = store.series(METRICS.requests, labels("b", { source: "" }))
    store.series(METRICS.requests, labels("a"))
    expect(await store.labels(METRICS.requests, "route")).toEqual(["a", "b"])
    expect(await store.labels(METRICS.requests, "source")).toEqual([])
    expect([...(store.describe(ref)?.labels ?? [])]).toEqual([
      ["mesh", "m"],
      ["route", "b"],
    ])
    expect(store.describe(999)).toBeUndefined()
    store.close()
  })

  it("holds names that are dangerous elsewhere", async () => {
    const store = open(100)
    for (const name of ["__proto__", "constructor", "\n", "💥"]) {
      const ref = store.series(
        METRICS.requests,
        new Map([
          ["route", name],
          [name, "x"],
        ]),
      )
      store.add(ref, 1, T0)
    }
    store.advance(T0 + STEP)
    const answer = await store.query({ metric: METRICS.requests, by: ["route"], fromMs: T0, toMs: T0 + STEP })
    expect(answer.groups.map((group) => [group.labels[0], group.values[0]])).toEqual([
      ["__proto__", 1],
      ["constructor", 1],
      ["\n", 1],
      ["💥", 1],
    ])
    expect(Object.prototype).not.toHaveProperty("x")
    store.close()
  })
})
