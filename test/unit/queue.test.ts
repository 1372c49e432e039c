import { expect, test } from "vitest"
import type { Batch, Sink, WriteResult } from "../../agent/publish/contract.ts"
import { backoffMs } from "../../agent/publish/delivery/backoff.ts"
import { makeBatchQueue } from "../../agent/publish/delivery/batch-queue.ts"
import { Delivery, type DropReason } from "../../agent/publish/delivery/delivery.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"

interface Numbered extends Batch {
  readonly id: number
}

const batch = (id: number, bytes = 10, records = 5): Numbered => ({ id, bytes, records })
const ids = (batches: readonly Numbered[]): number[] => batches.map((one) => one.id)

test("the oldest leave first, by bytes and by number", () => {
  const queue = makeBatchQueue<Numbered>({ bytes: 35, batches: 3 })
  expect(ids([1, 2, 3].flatMap((id) => queue.push(batch(id))))).toEqual([])
  expect(ids(queue.push(batch(4)))).toEqual([1])
  expect(ids(queue.push(batch(5, 25)))).toEqual([2, 3])
  expect(queue).toMatchObject({ bytes: 35, length: 2, records: 10 })
  expect(ids(queue.push(batch(6, 36)))).toEqual([6])
  const taken = queue.take()
  expect(taken?.id).toBe(4)
  queue.push(batch(7, 5))
  expect(ids(queue.putBack(batch(4)))).toEqual([4])
  expect([queue.take()?.id, queue.take()?.id, queue.take()]).toEqual([5, 7, undefined])
  expect(queue).toMatchObject({ bytes: 0, length: 0, records: 0 })
})

test.each([
  [1, 0, undefined, 500],
  [1, 1, undefined, 1000],
  [4, 1, undefined, 8000],
  [50, 1, undefined, 60_000],
  [1, 0, 30_000, 30_000],
  [9, 1, 30_000, 60_000],
  [1, 0, 1e12, 300_000],
])("try %d with chance %d, asked %s: %d ms", (attempt, chance, asked, expected) => {
  expect(backoffMs({ firstMs: 1000, mostMs: 60_000 }, attempt, () => chance, asked)).toBe(expected)
})

const CONFIG = { maxBytes: 100, maxBatches: 4, timeoutMs: 1000, backoff: { firstMs: 1000, mostMs: 8000 } }
const ACCEPTED: WriteResult = { kind: "accepted", rejected: 0 }

/** A sink that answers from a list, then accepts. */
function scripted(answers: (WriteResult | Error)[]) {
  const written: number[] = []
  const calls: string[] = []
  const sink: Sink<Numbered> = {
    start: () => Promise.resolve(void calls.push("start")),
    async write(one) {
      written.push(one.id)
      const answer = answers.shift() ?? ACCEPTED
      await Promise.resolve()
      if (answer instanceof Error) throw answer
      return answer
    },
    stop: () => Promise.resolve(void calls.push("stop")),
  }
  return { sink, written, calls }
}

function delivering(answers: (WriteResult | Error)[], clock = manualClock()) {
  const script = scripted(answers)
  const dropped: [number, DropReason][] = []
  const delivery = new Delivery<Numbered>(CONFIG, {
    sink: script.sink,
    clock,
    random: () => 1,
    dropped: (one, reason) => dropped.push([one.id, reason]),
  })
  return { ...script, clock, delivery, dropped }
}

test("retries in order, waits longer each time, as long as the receiver asks", async () => {
  const retry: WriteResult = { kind: "retry", why: "503" }
  const { delivery, written, clock, calls } = delivering([
    retry,
    new Error("broken"),
    { ...retry, afterMs: 20_000 },
  ])
  delivery.offer(batch(1))
  delivery.offer(batch(2))
  await delivery.start()
  await settled(() => written.length === 5)
  expect(written).toEqual([1, 1, 1, 1, 2])
  expect(clock.slept).toEqual([1000, 2000, 20_000])
  expect(delivery.counters).toMatchObject({
    offered: 10,
    delivered: 10,
    retries: 3,
    held: 0,
    trouble: undefined,
  })
  await delivery.stop(1000)
  expect(calls).toEqual(["start", "stop"])
})

test("what is refused is dropped and counted, in part or whole", async () => {
  const { delivery, dropped } = delivering([
    { kind: "rejected", why: "status 400" },
    { kind: "accepted", rejected: 2, why: "two bad points" },
    { kind: "accepted", rejected: 99 },
  ])
  for (const id of [1, 2, 3]) delivery.offer(batch(id))
  await delivery.start()
  await settled(() => delivery.counters.held === 0)
  expect(delivery.counters).toMatchObject({
    delivered: 3,
    dropped: { rejected: 12, overflow: 0, shutdown: 0 },
  })
  expect(dropped).toEqual([[1, "rejected"]])
  await delivery.stop(0)
})

test("an outage drops the oldest, and stopping drops the rest when the deadline passes", async () => {
  const dead: Sink<Numbered> = {
    start: () => Promise.resolve(),
    write: () => Promise.resolve({ kind: "retry", why: "ECONNREFUSED" }),
    stop: () => Promise.resolve(),
  }
  const dropped: [number, DropReason][] = []
  const delivery = new Delivery<Numbered>(CONFIG, {
    sink: dead,
    clock: { ...manualClock(), sleep: realSleep },
    random: Math.random,
    dropped: (one, reason) => dropped.push([one.id, reason]),
  })
  await delivery.start()
  for (let id = 1; id <= 7; id++) delivery.offer(batch(id))
  await settled(() => delivery.counters.trouble !== undefined)
  expect(delivery.counters.trouble).toBe("ECONNREFUSED")
  await delivery.stop(20)
  delivery.offer(batch(8))
  const { offered, delivered, dropped: counts, held } = delivery.counters
  expect({ offered, delivered, held }).toEqual({ offered: 40, delivered: 0, held: 0 })
  expect(counts.overflow + counts.shutdown).toBe(40)
  expect(dropped.filter(([, reason]) => reason === "overflow").map(([id]) => id)).toEqual([1, 2, 3])
})

test("stopping sends what waits when the sink is healthy", async () => {
  const { delivery, written } = delivering([], { ...manualClock(), sleep: realSleep })
  await delivery.start()
  for (let id = 1; id <= 4; id++) delivery.offer(batch(id))
  await delivery.stop(5000)
  expect(written).toEqual([1, 2, 3, 4])
  expect(delivery.counters).toMatchObject({ delivered: 20, held: 0 })
})

test("a write that does not end is cut off by its time limit and tried again", async () => {
  let writes = 0
  const hanging: Sink<Numbered> = {
    start: () => Promise.resolve(),
    write: (_, signal) => {
      if (writes++ > 0) return Promise.resolve(ACCEPTED)
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("cut off")))
      })
    },
    stop: () => Promise.resolve(),
  }
  const delivery = new Delivery<Numbered>(
    { ...CONFIG, timeoutMs: 20 },
    { sink: hanging, clock: manualClock(), random: () => 0 },
  )
  delivery.offer(batch(1))
  await delivery.start()
  await settled(() => delivery.counters.delivered === 5)
  expect(writes).toBe(2)
  await delivery.stop(0)
})

function realSleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve()
      return
    }
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener("abort", () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

async function settled(done: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !done(); turn++) await realSleep(1)
}
