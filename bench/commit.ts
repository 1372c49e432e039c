import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { systemClock } from "#mesh/clock.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"
import type { Ledger } from "../agent/account/contract.ts"
import { openLedger } from "../agent/account/ledger.ts"
import { type BenchResult, printAlone } from "./result.ts"

const SERIES = 5000
const TICKS = 200
const ROUNDS = 5

/**
 * P9: commit a tick of 5,000 changed series durably, one in ten of them a histogram. CPU of all threads, so
 * checkpoints count. The peer is the same SQLite with a row per value.
 */
export async function commitBench(): Promise<BenchResult[]> {
  const folder = mkdtempSync(join(tmpdir(), "bench-commit-"))
  try {
    const { commit, flushed } = await compare(join(folder, "ours"), join(folder, "rows.sqlite"))
    const what = `commit ${SERIES.toLocaleString("en")} changed series`
    const unit = "us CPU per commit"
    return [
      {
        id: "P9",
        what: `${what}, against a row per value`,
        unit,
        ...commit,
        beside: `the peer's rows go to the log of SQLite without a flush. ${EQUAL}`,
        goal: { most: 300 },
      },
      {
        id: "P9",
        what: `${what}, with a flush to the disk after each`,
        unit,
        ...flushed,
        beside: `the peer waits for the disk in each commit, ours flushes in another thread meanwhile. ${EQUAL}`,
      },
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const EQUAL = `It keeps the sums of histograms without their buckets, so it does less. Least of ${ROUNDS} means of ${TICKS} commits. All values are read back out of its rows and are equal to ours; ours are equal after a restart, buckets too`

/** Least of the means of some rounds, us CPU per commit. */
interface Best {
  ours: number
  peer: number
}

async function compare(folder: string, file: string): Promise<{ commit: Best; flushed: Best }> {
  const ledger = openLedger({ folder, clock: systemClock })
  const slots = makeSlots(ledger)
  const ours: Store = {
    add: (index, amount) => {
      ledger.add(slots[index] ?? 0, amount)
    },
    observe: (index, seconds) => {
      ledger.observe(slots[index] ?? 0, seconds)
    },
    commit: () => {
      ledger.commit()
    },
  }
  ledger.commit()
  const rows = openRows(file)
  const best = { commit: noTime(), flushed: noTime() }
  for (let round = 0; round <= ROUNDS; round++) {
    const turn = async (into: Best, between: () => Promise<void> | undefined): Promise<void> => {
      const oursUs = await cpuPerTick(ours, between)
      // What the last commit left to the thread pool is not to be the peer's.
      await systemClock.sleep(50)
      const peerUs = await cpuPerTick(rows, between)
      if (round === 0) return
      into.ours = Math.min(into.ours, oursUs)
      into.peer = Math.min(into.peer, peerUs)
    }
    rows.flush(false)
    await turn(best.commit, () => undefined)
    rows.flush(true)
    await turn(best.flushed, pause)
  }
  if (ledger.frozen !== undefined) throw new Error(ledger.frozen)
  requireEqual(
    slots.map((slot) => ledger.snapshot.values[slot] ?? 0),
    rows.values(),
  )
  rows.close()
  requireKept(ledger, folder)
  return best
}

/** Lets the thread pool flush between two commits as it does when they are seconds apart. */
const pause = (): Promise<void> => systemClock.sleep(1)

const noTime = (): Best => ({ ours: Infinity, peer: Infinity })

function makeSlots(ledger: Ledger): number[] {
  const common = { mesh: "m", reporter: "source", outcome: "ok" }
  return Array.from({ length: SERIES }, (_, index) =>
    index % 10 === 0
      ? ledger.slot("duration", { ...common, route: `route-${index}` })
      : ledger.slot("requests", { ...common, virtual_node: `node-${index}` }),
  )
}

function requireEqual(ours: readonly number[], peer: readonly number[]): void {
  if (ours.length !== peer.length) throw new Error(`${ours.length} values against ${peer.length} rows`)
  for (const [index, value] of peer.entries()) {
    const got = ours[index] ?? 0
    if (Math.abs(got - value) > 1e-9 * value) throw new Error(`row ${index}: ${got} against ${value}`)
  }
}

/** Closes the ledger. */
function requireKept(ledger: Ledger, folder: string): void {
  const shown = JSON.stringify(valuesOf(ledger))
  ledger.close()
  const again = openLedger({ folder, clock: systemClock })
  const same = JSON.stringify(valuesOf(again)) === shown
  again.close()
  if (!same) throw new Error("a restart shows other values")
}

/** What is counted into, by index of the series; every tenth is a histogram. */
interface Store {
  add(index: number, amount: number): void
  observe(index: number, seconds: number): void
  commit(): void
}

/** us CPU of all threads per commit, the cost of counting taken off. */
async function cpuPerTick(store: Store, between: () => Promise<void> | undefined): Promise<number> {
  let used = 0
  for (let tick = 0; tick < TICKS; tick++) {
    count(store, tick)
    const before = process.cpuUsage()
    store.commit()
    const paused = between()
    if (paused !== undefined) await paused
    const cpu = process.cpuUsage(before)
    used += cpu.user + cpu.system
  }
  return used / TICKS
}

function count(store: Store, tick: number): void {
  for (let index = 0; index < SERIES; index++) {
    if (index % 10 !== 0) {
      store.add(index, 1 + ((index * 7919 + tick * 31) % 100))
    } else {
      store.observe(index, 0.02)
      store.observe(index, 0.3)
    }
  }
}

function valuesOf({ snapshot }: Ledger): [string, number, readonly number[]][] {
  return snapshot.families.flatMap((family) =>
    family.series.map((series): [string, number, readonly number[]] => {
      const { bucketAt, labels, slot, startMs } = series
      const buckets = bucketAt < 0 ? [] : snapshot.buckets.subarray(bucketAt, bucketAt + BUCKET_COUNT)
      return [JSON.stringify([family.key, labels, startMs]), snapshot.values[slot] ?? 0, [...buckets]]
    }),
  )
}

interface Rows extends Store {
  /** Whether a commit waits for the disk. */
  flush(each: boolean): void
  /** As they are in the file, by index. */
  values(): number[]
  close(): void
}

function openRows(path: string): Rows {
  const database = new DatabaseSync(path)
  database.exec("pragma journal_mode=wal; create table v(id integer primary key, x real)")
  const put = database.prepare("insert or replace into v values(?, ?)")
  const now = new Float64Array(SERIES)
  const add = (index: number, amount: number): void => {
    now[index] = (now[index] ?? 0) + amount
  }
  return {
    add,
    observe: add,
    commit() {
      database.exec("begin")
      for (let id = 0; id < SERIES; id++) put.run(id, now[id] ?? 0)
      database.exec("commit")
    },
    flush: (each) => {
      database.exec(`pragma synchronous=${each ? "full" : "normal"}`)
    },
    values: () =>
      database
        .prepare("select x from v order by id")
        .all()
        .map((row) => Number(row["x"])),
    close: () => {
      database.close()
    },
  }
}

if (import.meta.main) await printAlone(commitBench)
