import { spawn } from "node:child_process"
import { once } from "node:events"
import { appendFileSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { DEFAULT_DELIVERY, Delivery } from "../../agent/publish/delivery/delivery.ts"
import { openQueue } from "../../agent/publish/queue/open-queue.ts"
import { makeQueueBudget } from "../../agent/publish/queue/queue-budget.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { fileSink } from "../fixtures/queue/file-sink.ts"
import { sumOf } from "../fixtures/queue/queue-host.ts"

const PROCESS = join(import.meta.dirname, "../fixtures/queue/queueing-process.ts")

/** Runs until it told `lines` commits, then kill -9. Answers the last number that it told. */
async function killedAfter(folder: string, lines: number): Promise<number> {
  const child = spawn(process.execPath, [PROCESS, folder], { stdio: ["ignore", "pipe", "inherit"] })
  let told = ""
  for await (const chunk of child.stdout) {
    told += String(chunk)
    if (told.split("\n").length > lines) child.kill("SIGKILL")
  }
  if (child.signalCode === null && child.exitCode === null) await once(child, "exit")
  return Number(told.split("\n").at(-2))
}

test("kill -9 again and again, with a receiver that does not always take: every committed record arrives", async () => {
  const folder = temporaryFolder()
  let told = 0
  const kills = [1, 23, 60, 7]
  for (const lines of kills) {
    const now = await killedAfter(folder, lines)
    expect(now).toBeGreaterThan(told)
    told = now
  }
  const ledger = openLedger({ folder, clock: systemClock })
  const position = Buffer.from(ledger.restored("tail") ?? []).readDoubleLE()
  expect(position - told).toBeGreaterThanOrEqual(0)
  const budget = makeQueueBudget({ maxBytes: 16 * 1024 * 1024, policy: "newest" })
  const queue = openQueue({ folder: join(folder, "queue"), sink: "file", budget, participantHost: ledger })
  const { offered, delivered, held, dropped } = queue.counters
  expect([offered, delivered + held + sumOf(dropped)]).toEqual([position, position])
  const received = join(folder, "received")
  const sink = fileSink(
    (lines) => appendFileSync(received, lines),
    () => true,
  )
  const delivery = new Delivery(DEFAULT_DELIVERY, { queue, sink, clock: systemClock, random: Math.random })
  await delivery.start()
  await delivery.stop(10_000)
  ledger.commit()
  queue.committed()
  expect(queue.counters).toMatchObject({ offered: position, held: 0, heldRecords: 0, heldBytes: 0 })
  expect(sumOf(queue.counters.dropped)).toBe(0)
  const numbers = readFileSync(received, "utf8").trim().split("\n").map(Number)
  expect([...new Set(numbers)].toSorted((one, other) => one - other)).toEqual(
    Array.from({ length: position }, (_, index) => index),
  )
  expect(readdirSync(join(folder, "queue", "file"))).toEqual([])
  ledger.close()
}, 60_000)
