import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { METRICS } from "#mesh/catalogue.ts"
import { EmbeddedStore } from "../../collector/store/embedded-store.ts"
import type { Journal } from "../../collector/store/journal.ts"
import { openSqliteJournal } from "../../collector/store/sqlite-journal.ts"

const STEP = 15_000
const T0 = 1_790_000_000_000 - (1_790_000_000_000 % 3_600_000)
const labels = new Map([["route", "a"]])
let folder = ""
const warnings: string[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "store-restart-"))
  warnings.length = 0
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const journal = (): Journal => openSqliteJournal(folder, (sentence) => warnings.push(sentence))
const open = (now: number): EmbeddedStore =>
  new EmbeddedStore({ stepMs: STEP, maxSeries: 100 }, journal(), now)
const sum = async (store: EmbeddedStore, fromMs: number): Promise<number> =>
  (await store.query({ metric: METRICS.requests, by: [], fromMs, toMs: store.endMs })).groups[0]?.values[0] ??
  0

/** Writes 1 a step; answers the time after the last step. */
function fill(store: EmbeddedStore, from: number, steps: number): number {
  const ref = store.series(METRICS.requests, labels)
  for (let step = 0; step < steps; step++) {
    store.add(ref, 1, from + step * STEP)
    store.advance(from + (step + 1) * STEP)
  }
  return from + steps * STEP
}

describe("the embedded store over restarts", () => {
  it("restores series, steps, gauges and staged bytes", async () => {
    const first = open(T0)
    const end = fill(first, T0, 300)
    const up = first.series(METRICS.proxyUp, new Map([["proxy", "p"]]))
    first.set(up, "agent", 1, end)
    first.stage("who", Buffer.from("knows"))
    first.close()
    const second = open(end + 1000)
    expect(await sum(second, end - 3_600_000)).toBe(240)
    expect(await sum(second, T0)).toBe(300)
    expect((await second.gauges(METRICS.proxyUp)).map((row) => [row.agent, row.value, row.atMs])).toEqual([
      ["agent", 1, end],
    ])
    expect(Buffer.from(second.restored().get("who") ?? []).toString()).toBe("knows")
    expect(second.series(METRICS.requests, labels)).toBe(first.series(METRICS.requests, labels))
    second.close()
  })

  it("counts a step once that was cut by the restart", async () => {
    const first = open(T0)
    const ref = first.series(METRICS.requests, labels)
    first.add(ref, 5, T0 + 1000)
    first.close()
    const second = open(T0 + 2000)
    second.add(second.series(METRICS.requests, labels), 7, T0 + 3000)
    second.close()
    const third = open(T0 + 4000)
    third.advance(T0 + 120_000)
    expect(await sum(third, T0)).toBe(12)
    third.close()
  })

  it("rolls up the minutes that the last run left open", async () => {
    const first = open(T0)
    const end = fill(first, T0, 6)
    first.close()
    const second = open(end + 1_800_000)
    second.advance(end + 7_200_000)
    expect(await sum(second, T0)).toBe(6)
    second.close()
  })

  it("survives a process that ends without a word: what advance wrote is there", async () => {
    const first = open(T0)
    fill(first, T0, 10)
    const copy = mkdtempSync(join(tmpdir(), "store-killed-"))
    for (const name of ["collector.db", "collector.db-wal"])
      writeFileSync(join(copy, name), readFileSync(join(folder, name)))
    first.close()
    const second = new EmbeddedStore(
      { stepMs: STEP, maxSeries: 100 },
      openSqliteJournal(copy, () => undefined),
      T0 + 10 * STEP,
    )
    expect(await sum(second, T0)).toBe(10)
    second.close()
    rmSync(copy, { recursive: true })
  })

  it("opens whatever is left of a write-ahead log that was cut anywhere", async () => {
    const first = open(T0)
    fill(first, T0, 3)
    const database = readFileSync(join(folder, "collector.db"))
    const wal = readFileSync(join(folder, "collector.db-wal"))
    first.close()
    const copy = mkdtempSync(join(tmpdir(), "store-torn-"))
    let last = -1
    for (let cut = 0; cut <= wal.length; cut += 997) {
      rmSync(copy, { recursive: true })
      const fresh = mkdtempSync(copy)
      writeFileSync(join(fresh, "collector.db"), database)
      writeFileSync(join(fresh, "collector.db-wal"), wal.subarray(0, cut))
      const torn = new EmbeddedStore(
        { stepMs: STEP, maxSeries: 100 },
        openSqliteJournal(fresh, () => undefined),
        T0 + 3 * STEP,
      )
      const found = await sum(torn, T0)
      expect(found).toBeLessThanOrEqual(3)
      expect(found).toBeGreaterThanOrEqual(last)
      last = found
      torn.close()
      rmSync(fresh, { recursive: true })
      writeFileSync(copy, "")
    }
    rmSync(copy)
  })

  it("leaves out a row whose bytes were damaged, and counts it", async () => {
    const first = open(T0)
    fill(first, T0, 4)
    first.close()
    const database = new DatabaseSync(join(folder, "collector.db"))
    database.exec("update step set blob = x'0100000000ff' where id = 1")
    database.close()
    const second = open(T0 + 4 * STEP)
    expect(second.health().damaged).toBe(1)
    expect(await sum(second, T0)).toBe(3)
    second.close()
  })

  it("sets a file aside that is no database, and begins anew", () => {
    writeFileSync(
      join(folder, "collector.db"),
      "this is no database, and long enough to be looked at".repeat(100),
    )
    const store = open(T0)
    expect(warnings.join()).toContain("collector.db.damaged")
    expect(readFileSync(join(folder, "collector.db.damaged"), "utf8")).toContain("no database")
    expect(store.health().problem).toBeUndefined()
    store.close()
  })

  it("refuses a newer version and a second process, and leaves both files as they are", () => {
    const store = open(T0)
    expect(() => open(T0)).toThrow(expect.objectContaining({ code: "STATE_LOCKED" }))
    store.close()
    const database = new DatabaseSync(join(folder, "collector.db"))
    database.exec("pragma user_version = 99")
    database.close()
    const before = readFileSync(join(folder, "collector.db"))
    expect(() => open(T0)).toThrow(expect.objectContaining({ code: "STATE_FUTURE" }))
    expect(readFileSync(join(folder, "collector.db")).equals(before)).toBe(true)
  })

  it("goes on in memory while it cannot write, says so, and writes all of it later", async () => {
    const real = journal()
    let broken = false
    const sometimes: Journal = {
      ...real,
      commit(batch) {
        if (broken) throw new Error("disk full")
        real.commit(batch)
      },
    }
    const first = new EmbeddedStore({ stepMs: STEP, maxSeries: 100 }, sometimes, T0)
    fill(first, T0, 2)
    broken = true
    fill(first, T0 + 2 * STEP, 3)
    expect(first.health().problem).toContain("disk full")
    expect(await sum(first, T0)).toBe(5)
    broken = false
    fill(first, T0 + 5 * STEP, 1)
    expect(first.health().problem).toBeUndefined()
    first.close()
    const second = open(T0 + 6 * STEP)
    expect(await sum(second, T0)).toBe(6)
    second.close()
  })
})
