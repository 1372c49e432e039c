import { appendFileSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { DEFAULT_DELIVERY, Delivery } from "../../agent/publish/delivery/delivery.ts"
import { openQueue } from "../../agent/publish/queue/open-queue.ts"
import { makeQueueBudget } from "../../agent/publish/queue/queue-budget.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { killedAfter } from "../fixtures/ledger/killed-after.ts"
import { fileSink } from "../fixtures/queue/file-sink.ts"
import { sumOf } from "../fixtures/queue/queue-host.ts"

const PROCESS = join(import.meta.dirname, "../fixtures/queue/queueing-process.ts")

test("kill -9 again and again, with a receiver that does not always take: every committed record arrives", async () => {
  const folder = temporaryFolder()
  let told = 0
  const kills = [1, 23, 60, 7]
  for (const lines of kills) {
    const now = await killedAfter(PROCESS, folder, lines)
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
