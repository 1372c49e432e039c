import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { systemClock } from "#mesh/clock.ts"
import type { Ledger } from "../agent/account/contract.ts"
import { openLedger } from "../agent/account/ledger.ts"
import { type BenchResult, printAlone } from "./result.ts"

const SERIES = 5000
const TICKS = 200
const PEER_TICKS = 20

/**
 * P9: commit a tick of 5,000 changed series durably, one in ten of them a histogram. CPU of all threads, so
 * checkpoints count. The peer is the same SQLite with a row per value.
 */
export async function commitBench(): Promise<BenchResult[]> {
  const folder = mkdtempSync(join(tmpdir(), "bench-commit-"))
  try {
    const ours = await timeOurs(join(folder, "ours"))
    const peer = timeRows(join(folder, "rows.sqlite"))
    const what = `commit ${SERIES.toLocaleString("en")} changed series`
    const unit = "us CPU per commit"
    return [
      {
        id: "P9",
        what: `${what}, against a row per value`,
        unit,
        ours: ours.commit,
        peer,
        goal: { most: 300 },
      },
      { id: "P9", what: `${what}, with a flush to the disk after each`, unit, ours: ours.flushed, peer },
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function timeOurs(folder: string): Promise<{ commit: number; flushed: number }> {
  const ledger = openLedger({ folder, clock: systemClock })
  const slots = Array.from({ length: SERIES }, (_, index) =>
    index % 10 === 0
      ? ledger.slot("duration", { mesh: "m", reporter: "source", route: `route-${index}`, outcome: "ok" })
      : ledger.slot("requests", {
          mesh: "m",
          reporter: "source",
          virtual_node: `node-${index}`,
          outcome: "ok",
        }),
  )
  ledger.commit()
  const best = { commit: Infinity, flushed: Infinity }
  for (let round = 0; round < 5; round++) {
    best.commit = Math.min(best.commit, await cpuPerTick(ledger, slots, () => undefined))
    // Waits, so that the thread pool flushes between two commits as it does when they are seconds apart.
    best.flushed = Math.min(best.flushed, await cpuPerTick(ledger, slots, () => systemClock.sleep(1)))
  }
  if (ledger.frozen !== undefined) throw new Error(ledger.frozen)
  const shown = valuesOf(ledger)
  ledger.close()
  const again = openLedger({ folder, clock: systemClock })
  const same = JSON.stringify(valuesOf(again)) === JSON.stringify(shown)
  again.close()
  if (!same) throw new Error("a restart shows other values")
  return best
}

/** us CPU of all threads per commit, the cost of counting taken off. */
async function cpuPerTick(
  ledger: Ledger,
  slots: readonly number[],
  between: () => Promise<void> | undefined,
): Promise<number> {
  let used = 0
  for (let tick = 0; tick < TICKS; tick++) {
    count(ledger, slots, tick)
    const before = process.cpuUsage()
    ledger.commit()
    const pause = between()
    if (pause !== undefined) await pause
    const cpu = process.cpuUsage(before)
    used += cpu.user + cpu.system
  }
  return used / TICKS
}

function count(ledger: Ledger, slots: readonly number[], tick: number): void {
  for (const [index, slot] of slots.entries()) {
    if (index % 10 !== 0) {
      ledger.add(slot, 1 + ((index * 7919 + tick * 31) % 100))
    } else {
      ledger.observe(slot, 0.02)
      ledger.observe(slot, 0.3)
    }
  }
}

function valuesOf(ledger: Ledger): [string, number][] {
  return ledger.snapshot.families.flatMap((family) =>
    family.series.map((series): [string, number] => [
      JSON.stringify([family.key, series.labels, series.startMs]),
      ledger.snapshot.values[series.slot] ?? 0,
    ]),
  )
}

function timeRows(path: string): number {
  const database = new DatabaseSync(path)
  database.exec(
    "pragma journal_mode=wal; pragma synchronous=normal; create table v(id integer primary key, x real)",
  )
  const put = database.prepare("insert or replace into v values(?, ?)")
  const before = process.cpuUsage()
  for (let tick = 0; tick < PEER_TICKS; tick++) {
    database.exec("begin")
    for (let id = 0; id < SERIES; id++) put.run(id, tick * id)
    database.exec("commit")
  }
  const cpu = process.cpuUsage(before)
  database.close()
  return (cpu.user + cpu.system) / PEER_TICKS
}

if (import.meta.main) await printAlone(commitBench)
