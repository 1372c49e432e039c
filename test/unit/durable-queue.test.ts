import { expect, test } from "vitest"
import { makeQueueBudget } from "../../agent/publish/queue/queue-budget.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { queueHost, takeAll } from "../fixtures/queue/queue-host.ts"
import { recordTexts, segmentFiles, text } from "../fixtures/queue/segment-files.ts"

const KB = 1024

test("what is appended can be taken after the commit, whole, and is gone when it is settled", async () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const queue = host.open()
  let woken = 0
  queue.listen(() => woken++)
  queue.append("group-é", 1234.5, text("one"), 3)
  queue.append("", 5, new Uint8Array(0), 0)
  expect([queue.waiting, queue.counters.offered]).toEqual([false, 0])
  host.commit()
  expect([queue.waiting, woken]).toEqual([true, 1])
  expect(queue.counters).toMatchObject({ offered: 3, held: 3, heldRecords: 2, oldestMs: 1234.5 })
  const taken = await queue.take({ records: 10, bytes: 1000 })
  expect(taken.map(({ item }) => item)).toEqual([
    { key: "group-é", timeMs: 1234.5, count: 3, payload: Uint8Array.from(text("one")) },
    { key: "", timeMs: 5, count: 0, payload: new Uint8Array(0) },
  ])
  for (const one of taken) queue.settle(one, 2, "too_old")
  for (const one of taken) queue.settle(one, 3)
  host.commit()
  expect(queue.counters).toMatchObject({ delivered: 2, held: 0, heldRecords: 0, heldBytes: 0 })
  expect(Object.fromEntries(queue.counters.dropped)).toEqual({ too_old: 1 })
  expect(await queue.take({ records: 10, bytes: 1000 })).toEqual([])
})

test("after a restart what is not settled comes again, with the counters as they were committed", async () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const first = host.open()
  for (const one of recordTexts(0, 10)) first.append("", 1, text(one))
  host.commit()
  const taken = await first.take({ records: 6, bytes: 1e6 })
  for (const index of [0, 1, 3, 5]) {
    const one = taken[index]
    if (one !== undefined) first.settle(one, index === 5 ? 0 : 1, "invalid")
  }
  host.commit()
  for (const one of recordTexts(10, 12)) first.append("", 1, text(one))
  first.close()
  host.commit()
  const second = host.open()
  expect(second.counters).toMatchObject({ offered: 12, delivered: 3, held: 8, heldRecords: 8 })
  expect(await takeAll(second)).toEqual([2, 4, 6, 7, 8, 9, 10, 11].map((id) => `record ${id}`))
  host.commit()
  expect(second.counters).toMatchObject({ offered: 12, delivered: 11, held: 0, heldRecords: 0, heldBytes: 0 })
  expect(segmentFiles(folder)).toEqual([])
})

test("what was there before a restart may have been sent, and says so; what comes after it does not", async () => {
  const host = queueHost(temporaryFolder())
  host.open().append("", 1, text("old"))
  host.commit()
  const queue = host.open()
  queue.append("", 1, text("new"))
  host.commit()
  const taken = [
    ...(await queue.take({ records: 1, bytes: 1e6 })),
    ...(await queue.take({ records: 1, bytes: 1e6 })),
  ]
  expect(taken.map(({ item }) => [Buffer.from(item.payload).toString(), item.again])).toEqual([
    ["old", true],
    ["new", undefined],
  ])
})

test("restarted again before anything was read again: what was out and not settled still comes", async () => {
  const host = queueHost(temporaryFolder())
  const first = host.open()
  for (const one of recordTexts(0, 6)) first.append("", 1, text(one))
  host.commit()
  const taken = await first.take({ records: 4, bytes: 1e6 })
  for (const one of [taken[0], taken[2]]) if (one !== undefined) first.settle(one, 1)
  host.commit()
  host.open()
  host.commit()
  const third = host.open()
  expect(await takeAll(third)).toEqual([1, 3, 4, 5].map((id) => `record ${id}`))
  host.commit()
  expect(third.counters).toMatchObject({ offered: 6, delivered: 6, held: 0 })
})

test("what comes while a commit is under way is not shown by it, and what ends then keeps its file", async () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const budget = makeQueueBudget({ maxBytes: 512 * KB, policy: "oldest" })
  const queue = host.open(budget)
  queue.append("", 1, Buffer.alloc(60 * KB, "a"))
  queue.append("", 1, Buffer.alloc(60 * KB, "b"))
  host.commit()
  const [first] = await queue.take({ records: 1, bytes: 1 })
  queue.append("", 1, text("sooner"))
  // Saved; the transaction is not through yet.
  host.commit(false)
  queue.append("", 1, text("later"))
  if (first !== undefined) queue.settle(first, 1)
  queue.committed()
  expect(segmentFiles(folder)).toHaveLength(2)
  expect((await takeAll(queue)).map((one) => one.length)).toEqual([60 * KB, "sooner".length])
  expect(queue.waiting).toBe(false)
  host.commit()
  expect(segmentFiles(folder)).toHaveLength(1)
  expect(await takeAll(queue)).toEqual(["later"])
})

test("a backlog that is read at once asks for commits, and all of it is kept", async () => {
  const host = queueHost(temporaryFolder())
  const queue = host.open(makeQueueBudget({ maxBytes: 1024 * KB, policy: "oldest" }))
  let commits = 0
  for (let count = 0; count < 900; count++) {
    queue.append("", 1, Buffer.alloc(KB))
    // As the agent does between two pieces of a file.
    if (count % 100 === 99 && host.crowded.splice(0).length > 0 && host.commit()) commits++
  }
  host.commit()
  expect([commits, queue.counters.held, [...queue.counters.dropped]]).toEqual([3, 900, []])
})

test("more than the budget takes between two commits is overflow, and no fault of the disk", () => {
  const host = queueHost(temporaryFolder())
  const queue = host.open(makeQueueBudget({ maxBytes: 512 * KB, policy: "oldest" }))
  for (let count = 0; count < 40; count++) queue.append("", 1, Buffer.alloc(10 * KB))
  host.commit()
  expect([...queue.counters.dropped]).toEqual([["overflow", 15]])
  expect(host.crowded).toEqual(["sink"])
})

test("while nothing can be committed, only so much is written", () => {
  const host = queueHost(temporaryFolder())
  const queue = host.open(makeQueueBudget({ maxBytes: 512 * KB, policy: "oldest" }))
  for (let count = 0; count < 40; count++) {
    queue.append("", 1, Buffer.alloc(10 * KB))
    host.commit(false)
  }
  expect(Object.fromEntries(queue.counters.dropped)).toEqual({ disk: 15 })
  host.commit()
  queue.append("", 1, Buffer.alloc(10 * KB))
  host.commit()
  expect(queue.counters).toMatchObject({ offered: 41, held: 26 })
})

test("a commit that fails shows nothing, and the next one shows all", async () => {
  const host = queueHost(temporaryFolder())
  const queue = host.open()
  queue.append("", 1, text("one"))
  host.commit(false)
  queue.append("", 1, text("two"))
  expect([queue.waiting, queue.counters.offered]).toEqual([false, 0])
  host.commit(false)
  host.commit()
  expect(await takeAll(queue)).toEqual(["one", "two"])
})

test("records that no segment can hold are refused", () => {
  const host = queueHost(temporaryFolder())
  const queue = host.open(makeQueueBudget({ maxBytes: 128 * KB, policy: "oldest" }))
  queue.append("", 1, Buffer.alloc(70 * KB), 2)
  queue.append("k".repeat(2000), 1, text("x"))
  queue.append("", 1, text("x"), -3)
  queue.append("", 1, text("x"), Number.NaN)
  host.commit()
  expect(Object.fromEntries(queue.counters.dropped)).toEqual({ too_large: 2, invalid: 1 })
  expect(queue.counters).toMatchObject({ offered: 3, held: 0, heldRecords: 2 })
})
