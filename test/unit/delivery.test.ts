import { expect, test } from "vitest"
import type { Sink, WriteResult } from "../../agent/publish/contract.ts"
import { backoffMs } from "../../agent/publish/delivery/backoff.ts"
import { Delivery } from "../../agent/publish/delivery/delivery.ts"
import { makeMemoryQueue } from "../../agent/publish/delivery/memory-queue.ts"
import type { RecordQueue } from "../../agent/publish/delivery/record-queue.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"
import { ACCEPTED, byKey, CONFIG, delivering, realSleep, settled } from "../fixtures/queue/delivering.ts"
import { type Numbered, numbered } from "../fixtures/queue/numbered.ts"

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

/** Answers from a list, then accepts. */
const scripted = (answers: (WriteResult | Error)[]) => () => answers.shift() ?? ACCEPTED
const RETRY: WriteResult = { kind: "retry", why: "503" }

test.each([true, false])(
  "retries, waits longer each time, as long as asked (ordered: %s)",
  async (ordered) => {
    const { delivery, queue, written, clock, calls } = delivering(
      scripted([RETRY, new Error("broken"), { ...RETRY, afterMs: 20_000 }]),
      { ordered },
    )
    queue.offer(numbered(1))
    if (ordered) queue.offer(numbered(2))
    await delivery.start()
    await settled(() => delivery.counters.held === 0)
    expect(written).toEqual(ordered ? [[1], [1], [1], [1], [2]] : [[1], [1], [1], [1]])
    expect(clock.slept).toEqual([1000, 2000, 20_000])
    expect(delivery.counters).toMatchObject({ retries: 3, held: 0, trouble: undefined })
    expect(delivery.counters.requests).toEqual({ accepted: ordered ? 2 : 1, retry: 3, rejected: 0 })
    await delivery.stop(1000)
    expect(calls).toEqual(["start", "stop"])
  },
)

test("what is refused is dropped and counted, in part or whole, told one by one or by number", async () => {
  const answer = scripted([
    { kind: "rejected", reason: "invalid", why: "status 400" },
    { kind: "accepted", rejectedCount: 2, why: "two bad points" },
    { kind: "accepted", rejectedCount: 99 },
    { kind: "accepted", rejected: new Map([[0, "too_old"]]) },
  ])
  const said: (string | undefined)[] = []
  const { delivery, queue } = delivering(() => {
    // What is refused does not wait: it is no trouble.
    const { trouble, remark } = delivery.counters
    said.push(trouble === undefined ? remark : `trouble: ${trouble}`)
    return answer()
  })
  for (const id of [1, 2, 3, 4]) queue.offer(numbered(id))
  await delivery.start()
  await settled(() => delivery.counters.held === 0)
  expect(said).toEqual([undefined, "status 400", "two bad points", "two bad points"])
  expect(delivery.counters).toMatchObject({ offered: 20, delivered: 3, trouble: undefined })
  expect(Object.fromEntries(delivery.counters.dropped)).toEqual({ invalid: 5, rejected: 7, too_old: 5 })
  await delivery.stop(0)
})

test("records that must come again wait for their time, the others of the request are done", async () => {
  const { delivery, queue, written, clock } = delivering(
    scripted([
      { kind: "accepted", again: new Set([1]), rejected: new Map([[0, "no_trace_id"]]), why: "busy" },
    ]),
    {},
    3,
  )
  for (const id of [1, 2, 3]) queue.offer(numbered(id))
  await delivery.start()
  await settled(() => delivery.counters.held === 0)
  expect(written).toEqual([[1, 2, 3], [2]])
  expect(clock.slept).toEqual([1000])
  expect(delivery.counters).toMatchObject({ delivered: 10, retries: 1, trouble: undefined })
  await delivery.stop(0)
})

test("a part that is never taken holds up nothing else", async () => {
  const clock = manualClock()
  const passing = { ...clock, sleep: (ms: number) => clock.sleep(ms).then(() => realSleep(0)) }
  const { delivery, queue, written } = delivering(
    (body) => (body[0]?.key === "denied" ? RETRY : ACCEPTED),
    {},
    1,
    passing,
  )
  queue.offer(numbered(0, 10, 1, "denied"))
  for (let id = 1; id <= 50; id++) queue.offer(numbered(id, 10, 1, id % 10 === 0 ? "denied" : "open"))
  await delivery.start()
  await settled(() => delivery.counters.delivered === 45)
  expect(delivery.counters).toMatchObject({ delivered: 45, held: 6, trouble: "503" })
  // Those that were never tried go first.
  expect(written.findIndex(([id]) => id === 49)).toBeLessThan(52)
  queue.offer(numbered(99, 10, 1, "open"))
  await settled(() => delivery.counters.delivered === 46)
  expect(delivery.counters.delivered).toBe(46)
  await delivery.stop(0)
  expect(delivery.counters.dropped.get("shutdown")).toBe(6)
})

test("a part that is never taken slows the rest little, also when more of it comes all the time", async () => {
  const clock = manualClock()
  const { delivery, queue } = delivering((body) => (body[0]?.key === "denied" ? RETRY : ACCEPTED), {}, 5000, {
    ...clock,
    sleep: (ms: number) => clock.sleep(ms).then(() => realSleep(0)),
  })
  await delivery.start()
  for (let second = 1; second <= 5; second++) {
    queue.offer(numbered(0, 1, 1, "denied"))
    for (let id = 1; id <= 150; id++) queue.offer(numbered(id, 1, 10, "open"))
    const startMs = clock.monotonic()
    await settled(() => delivery.counters.delivered === second * 1500)
    expect(delivery.counters.delivered).toBe(second * 1500)
    expect(clock.monotonic() - startMs).toBeLessThanOrEqual(3000)
  }
  expect(delivery.counters).toMatchObject({ held: 5, trouble: "503" })
  await delivery.stop(0)
})

test("a receiver that asks to be left alone is left alone, by all requests", async () => {
  const clock = manualClock()
  const times: number[] = []
  const answers: WriteResult[] = [{ ...RETRY, afterMs: 20_000 }, ACCEPTED, RETRY, ACCEPTED]
  const { delivery, queue } = delivering(
    () => {
      times.push(clock.monotonic())
      return answers.shift() ?? ACCEPTED
    },
    {},
    1,
    clock,
  )
  for (const id of [1, 2, 3]) queue.offer(numbered(id, 10, 1, `k${id}`))
  await delivery.start()
  await settled(() => delivery.counters.held === 0)
  expect(times.slice(0, 2)).toEqual([0, 20_000])
  expect(times.slice(2).every((time) => time >= 20_000)).toBe(true)
  expect(delivery.counters).toMatchObject({ delivered: 3, retries: 2, trouble: undefined })
  await delivery.stop(0)
})

test("a receiver that takes nothing of a request is given time, as one that does not take the request", async () => {
  const again: WriteResult = { kind: "accepted", again: new Set([0, 1]), why: "throttled" }
  const { delivery, queue, clock } = delivering(scripted([again, again]), {}, 2)
  queue.offer(numbered(1))
  queue.offer(numbered(2))
  await delivery.start()
  await settled(() => delivery.counters.held === 0)
  expect(clock.slept).toEqual([1000, 2000])
  await delivery.stop(0)
})

test("in order: nothing newer is sent while an older one waits for its time, however chance falls", async () => {
  // The record waits 1000 ms, the sink as a whole 500 ms.
  const chances = [1, 0]
  const { delivery, queue, written, clock } = delivering(
    scripted([{ kind: "accepted", again: new Set([0]), why: "busy" }]),
    { ordered: true },
    1,
    manualClock(),
    () => chances.shift() ?? 1,
  )
  for (const id of [1, 2, 3]) queue.offer(numbered(id))
  await delivery.start()
  await settled(() => delivery.counters.held === 0)
  expect(written).toEqual([[1], [1], [2], [3]])
  expect(clock.slept).toEqual([500, 500])
  await delivery.stop(0)
})

test("stopping does not wait for the next try", async () => {
  const clock = { ...manualClock(), sleep: realSleep }
  const { delivery, queue, written } = delivering(scripted([{ ...RETRY, afterMs: 100_000 }]), {}, 1, clock)
  queue.offer(numbered(1))
  await delivery.start()
  await settled(() => delivery.counters.retries === 1)
  await delivery.stop(5000)
  expect(written).toEqual([[1], [1]])
  expect(delivery.counters).toMatchObject({ delivered: 5, held: 0 })
})

test("a queue that cannot be read now is tried again, and says why", async () => {
  const queue = makeMemoryQueue<Numbered>({ maxBytes: 1e6, maxRecords: 10 })
  let failures = 2
  const failing: RecordQueue<Numbered> = {
    take: (limit) => (failures-- > 0 ? Promise.reject(new Error("EMFILE")) : queue.take(limit)),
    settle: (held, delivered, reason) => queue.settle(held, delivered, reason),
    get waiting() {
      return queue.waiting
    },
    listen: (ready) => queue.listen(ready),
    close: () => queue.close(),
    get counters() {
      return queue.counters
    },
  }
  queue.offer(numbered(1))
  const clock = manualClock()
  const seen: (string | undefined)[] = []
  const sink: Sink<readonly Numbered[], Numbered> = {
    start: () => Promise.resolve(),
    split: byKey(1),
    write: () => {
      seen.push(delivery.counters.trouble)
      return Promise.resolve(ACCEPTED)
    },
    stop: () => Promise.resolve(),
  }
  const delivery: Delivery<readonly Numbered[], Numbered> = new Delivery(CONFIG, {
    queue: failing,
    sink,
    clock,
    random: () => 1,
  })
  await delivery.start()
  await settled(() => delivery.counters.held === 0)
  expect([seen, clock.slept]).toEqual([["EMFILE"], [1000, 2000]])
  expect(delivery.counters).toMatchObject({ delivered: 5, trouble: undefined })
  await delivery.stop(0)
})

test.each([true, false])(
  "an outage with sleeps that end too early, and records that come meanwhile (ordered: %s)",
  async (ordered) => {
    const clock = manualClock()
    let down = true
    const { delivery, queue } = delivering(
      () => (down ? RETRY : ACCEPTED),
      { ordered, window: { bytes: 1e6, records: 50 }, backoff: { firstMs: 1, mostMs: 4 } },
      1,
      { ...clock, sleep: (ms: number) => clock.sleep(ms / 2).then(() => realSleep(0)) },
    )
    await delivery.start()
    for (let id = 1; id <= 20; id++) {
      queue.offer(numbered(id))
      await realSleep(1)
    }
    await settled(() => delivery.counters.retries > 30)
    expect(delivery.counters).toMatchObject({ delivered: 0, held: 100, trouble: "503" })
    down = false
    await settled(() => delivery.counters.held === 0)
    expect(delivery.counters).toMatchObject({ delivered: 100, held: 0, trouble: undefined })
    await delivery.stop(0)
  },
)

test("several requests at once, but one at a time while the receiver is down", async () => {
  let now = 0
  let most = 0
  let down = true
  const seen = { up: 0, down: 0 }
  const { delivery, queue } = delivering(
    async () => {
      now++
      most = Math.max(most, now)
      await realSleep(2)
      now--
      return down ? RETRY : ACCEPTED
    },
    { concurrency: 4 },
  )
  for (let id = 1; id <= 40; id++) queue.offer(numbered(id))
  await delivery.start()
  await settled(() => delivery.counters.retries >= 4)
  most = 0
  await settled(() => delivery.counters.retries >= 8)
  seen.down = most
  down = false
  await settled(() => delivery.counters.held === 0)
  most = 0
  for (let id = 1; id <= 40; id++) queue.offer(numbered(id))
  await settled(() => delivery.counters.held === 0)
  seen.up = most
  expect(seen).toEqual({ down: 1, up: 4 })
  await delivery.stop(0)
})

test("stopping sends what waits when the sink is healthy, and drops the rest when the deadline passes", async () => {
  const clock = { ...manualClock(), sleep: realSleep }
  const healthy = delivering(scripted([]), {}, 1, clock)
  await healthy.delivery.start()
  for (let id = 1; id <= 4; id++) healthy.queue.offer(numbered(id))
  await healthy.delivery.stop(5000)
  expect(healthy.written.flat()).toEqual([1, 2, 3, 4])
  expect(healthy.delivery.counters).toMatchObject({ delivered: 20, held: 0 })

  const dead = delivering(() => RETRY, {}, 1, clock)
  await dead.delivery.start()
  for (let id = 1; id <= 7; id++) dead.queue.offer(numbered(id))
  await settled(() => dead.delivery.counters.trouble !== undefined)
  await dead.delivery.stop(20)
  dead.queue.offer(numbered(8))
  expect(dead.delivery.counters).toMatchObject({ offered: 40, delivered: 0, held: 0, trouble: "503" })
  expect(dead.delivery.counters.dropped.get("shutdown")).toBe(40)
})

test("a write that does not end is cut off by its time limit and tried again", async () => {
  let writes = 0
  const { sink, queue } = {
    queue: makeMemoryQueue<Numbered>({ maxBytes: 100, maxRecords: 4 }),
    sink: byKey(1),
  }
  const hanging: Sink<readonly Numbered[], Numbered> = {
    start: () => Promise.resolve(),
    split: sink,
    write: (_, signal) => {
      if (writes++ > 0) return Promise.resolve(ACCEPTED)
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("cut off")))
      })
    },
    stop: () => Promise.resolve(),
  }
  const delivery = new Delivery(
    { ...CONFIG, timeoutMs: 20 },
    { queue, sink: hanging, clock: manualClock(), random: () => 0 },
  )
  queue.offer(numbered(1))
  await delivery.start()
  await settled(() => delivery.counters.delivered === 5)
  expect(writes).toBe(2)
  await delivery.stop(0)
})
