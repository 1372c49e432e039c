import { expect, test } from "vitest"
import { countDrop } from "../../agent/publish/delivery/drop-counts.ts"
import { makeMemoryQueue } from "../../agent/publish/delivery/memory-queue.ts"
import { type Numbered, numbered } from "../fixtures/queue/numbered.ts"

const ALL = { records: 1000, bytes: 1e9 }

test("in memory: the oldest leave first, by bytes and by number, also those that are out", async () => {
  const dropped: [number, string][] = []
  const queue = makeMemoryQueue<Numbered>({ maxBytes: 35, maxRecords: 3 }, ({ id }, reason) =>
    dropped.push([id, reason]),
  )
  for (const id of [1, 2, 3]) queue.offer(numbered(id))
  const [first, second] = await queue.take({ records: 2, bytes: 1e9 })
  queue.offer(numbered(4))
  expect([first?.gone, second?.gone, dropped]).toEqual([true, false, [[1, "overflow"]]])
  queue.offer(numbered(5, 25))
  queue.offer(numbered(6, 36))
  expect(dropped.slice(1)).toEqual([2, 3, 6].map((id) => [id, "overflow"]))
  if (first !== undefined) queue.settle(first, 5)
  const rest = await queue.take(ALL)
  expect(rest.map(({ item }) => item.id)).toEqual([4, 5])
  expect(queue.counters).toMatchObject({
    offered: 30,
    delivered: 0,
    held: 10,
    heldRecords: 2,
    heldBytes: 35,
    oldestMs: 1004,
  })
  for (const held of rest) queue.settle(held, 4, "invalid")
  expect(queue.counters).toMatchObject({ delivered: 8, held: 0, heldBytes: 0, oldestMs: undefined })
  queue.offer(numbered(7))
  queue.close()
  queue.offer(numbered(8))
  expect(Object.fromEntries(queue.counters.dropped)).toEqual({ overflow: 20, invalid: 2, shutdown: 10 })
})

test("a sink's words for reasons cannot grow without end, nor be anything but words", () => {
  const counts = new Map<string, number>()
  countDrop(counts, "too_old", 1)
  countDrop(counts, "__proto__", 1)
  countDrop(counts, "what a pod wrote", 1)
  for (let index = 0; index < 100; index++) countDrop(counts, `r${index}`, 1)
  countDrop(counts, "too_old", 2)
  expect(counts.size).toBeLessThan(40)
  expect(counts.get("too_old")).toBe(3)
  expect([...counts.values()].reduce((sum, count) => sum + count)).toBe(105)
})
