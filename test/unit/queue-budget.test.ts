import { existsSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { makeQueueBudget } from "../../agent/publish/queue/queue-budget.ts"
import { findUnusedQueues, unusedQueueNote } from "../../agent/publish/queue/unused-queues.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { queueHost, sumOf, takeAll } from "../fixtures/queue/queue-host.ts"
import { recordTexts, segmentFiles, text } from "../fixtures/queue/segment-files.ts"

const KB = 1024
/** Fills two queues of one budget, 1 KB a record, and commits now and then. */
async function overfilled(policy: "oldest" | "newest") {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const budget = makeQueueBudget({ maxBytes: 512 * KB, policy })
  const large = host.open(budget, "large")
  const small = host.open(budget, "small")
  for (const one of recordTexts(0, 10)) small.append("", 1, text(one), 2)
  let most = 0
  for (let index = 0; index < 1500; index++) {
    large.append("", index, Buffer.alloc(KB, index % 251), 3)
    if (index % 100 === 40) await large.take({ records: 20, bytes: 1e6 })
    if (index % 90 === 0) host.commit()
    if (index % 10 === 0) {
      const disk = segmentFiles(folder).reduce((sum, path) => sum + statSync(path).size, 0)
      most = Math.max(most, disk)
    }
  }
  host.commit()
  expect(budget.segmentBytes).toBe(64 * KB)
  expect(most).toBeLessThanOrEqual((512 + 64) * KB)
  expect(most).toBeGreaterThan(400 * KB)
  return { large, small, host }
}

test("over the budget: the oldest records of the queue that holds most leave", async () => {
  const { large, small, host } = await overfilled("oldest")
  const { offered, dropped, held } = large.counters
  expect([offered, [...dropped.keys()]]).toEqual([4500, ["overflow"]])
  expect(offered).toBe(held + sumOf(dropped))
  const read = await large.take({ records: 1e6, bytes: 1e9 })
  expect(read[0]?.item.timeMs).toBeGreaterThan(900)
  expect(await takeAll(small)).toEqual(recordTexts(0, 10))
  for (const one of read) large.settle(one, 3)
  await takeAll(large)
  host.commit()
  expect(small.counters.dropped.size).toBe(0)
})

test("over the budget, newest: what comes is refused", async () => {
  const { large, small, host } = await overfilled("newest")
  const { offered, dropped, held } = large.counters
  expect([offered, [...dropped.keys()]]).toEqual([4500, ["overflow"]])
  expect(offered).toBe(held + sumOf(dropped))
  expect(await takeAll(small)).toEqual(recordTexts(0, 10))
  host.commit()
  small.append("", 1, Buffer.alloc(60 * KB), 1)
  host.commit()
  expect(small.counters.dropped.get("overflow")).toBe(1)
})

test("what left for want of room and was not committed as gone is not taken for damaged after a kill", async () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const budget = makeQueueBudget({ maxBytes: 1024 * KB, policy: "oldest" })
  const first = host.open(budget)
  for (let index = 0; index < 900; index++) {
    first.append("", 1, Buffer.alloc(KB))
    if (index % 300 === 299) host.commit()
  }
  const taken = await first.take({ records: 10, bytes: 1e6 })
  for (const one of taken) first.settle(one, 1)
  for (let index = 0; index < 450; index++) first.append("", 1, Buffer.alloc(KB))
  // Killed here: what was appended last is read again from where it came from, or never was.
  const second = host.open(makeQueueBudget({ maxBytes: 1024 * KB, policy: "oldest" }))
  expect(second.counters).toMatchObject({ offered: 900, delivered: 10 })
  const read = await takeAll(second)
  host.commit()
  const { offered, delivered, dropped, held } = second.counters
  expect([offered, held, Object.keys(Object.fromEntries(dropped))]).toEqual([900, 0, ["overflow"]])
  expect(delivered).toBe(10 + read.length)
  expect(read.length + (dropped.get("overflow") ?? 0)).toBe(890)
  expect([read.length < 700, host.notes]).toEqual([true, []])
  // The marks went with the commit, and a third agent knows the same.
  expect(readdirSync(join(folder, "sink")).filter((name) => name.endsWith(".out"))).toEqual([])
  expect(host.open().counters).toMatchObject({ offered, delivered, held })
})

test("records that are out are counted as dropped when their segment leaves, and settling them does nothing more", async () => {
  const host = queueHost(temporaryFolder())
  const queue = host.open(makeQueueBudget({ maxBytes: 128 * KB, policy: "oldest" }))
  const append = (records: number): void => {
    for (let index = 0; index < records; index++) {
      queue.append("", 1, Buffer.alloc(4 * KB), 5)
      if (index % 8 === 7) host.commit()
    }
  }
  append(16)
  const out = await queue.take({ records: 6, bytes: 1e9 })
  for (const one of out.slice(0, 2)) queue.settle(one, 5)
  append(24)
  expect(out.map((one) => one.gone)).toEqual([true, true, true, true, true, true])
  for (const one of out) queue.settle(one, 5)
  host.commit()
  const { offered, delivered, dropped, held, heldRecords } = queue.counters
  expect([offered, delivered, [...dropped]]).toEqual([200, 10, [["overflow", 13 * 5]]])
  expect([held, heldRecords]).toEqual([125, 25])
})

test("folders of sinks that are not configured are told, and count against the budget", async () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const old = host.open(undefined, "splunk")
  for (let index = 0; index < 60; index++) old.append("", 1, Buffer.alloc(KB))
  host.commit()
  const budget = makeQueueBudget({ maxBytes: 100 * KB, policy: "newest" })
  const unused = findUnusedQueues({ folder, sinks: ["sink"], budget })
  expect(unused).toMatchObject([{ sink: "splunk", folder: join(folder, "splunk") }])
  expect(unusedQueueNote({ sink: "splunk", folder: "/q/splunk", bytes: 7 })).toBe(
    "/q/splunk holds 7 bytes for the output splunk, which is not configured. They count against the budget of all queues: configure it again to send them, or delete the folder.",
  )
  const queue = host.open(budget)
  for (let index = 0; index < 60; index++) queue.append("", 1, Buffer.alloc(KB))
  host.commit()
  expect(queue.counters.dropped.get("overflow")).toBeGreaterThan(15)
  const oldest = makeQueueBudget({ maxBytes: 100 * KB, policy: "oldest" })
  findUnusedQueues({ folder, sinks: ["sink"], budget: oldest })
  const next = host.open(oldest)
  for (let index = 0; index < 30; index++) next.append("", 1, Buffer.alloc(KB))
  expect(existsSync(join(folder, "splunk", "0000000001.seg"))).toBe(false)
  expect(await takeAll(next)).toHaveLength(60 - (queue.counters.dropped.get("overflow") ?? 0))
})
