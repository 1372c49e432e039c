import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import { expect, test } from "vitest"
import type { QueueRecord, Sink, WriteResult } from "../../agent/publish/contract.ts"
import { DEFAULT_DELIVERY, Delivery } from "../../agent/publish/delivery/delivery.ts"
import type { Held } from "../../agent/publish/delivery/record-queue.ts"
import { makeQueueBudget } from "../../agent/publish/queue/queue-budget.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"
import { type QueueHost, queueHost, sumOf } from "../fixtures/queue/queue-host.ts"

/** Segments of 64 KiB, and room for all. */
const budget = () => makeQueueBudget({ maxBytes: 1024 * 1024, policy: "newest" })

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "meshscope-property-"))
  try {
    await run(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const idOf = (record: QueueRecord): number => Buffer.from(record.payload).readUInt32LE(0)
function payload(id: number, bytes: number): Buffer {
  const made = Buffer.alloc(4 + bytes, id % 251)
  made.writeUInt32LE(id)
  return made
}

/** What kill -9 in the middle of a write leaves: any part of what was written after the last commit. */
function tear(host: QueueHost, folder: string, keep: number): void {
  const state: unknown = JSON.parse(Buffer.from(host.kept.get("queue/sink") ?? text("{}")).toString())
  const ends = new Map<number, number>()
  if (typeof state === "object" && state !== null && "segments" in state && Array.isArray(state.segments))
    for (const { number, end } of state.segments) ends.set(Number(number), Number(end))
  for (const name of readdirSync(join(folder, "sink"))) {
    const path = join(folder, "sink", name)
    const end = ends.get(Number.parseInt(name, 10)) ?? 0
    const more = statSync(path).size - end
    if (more > 0) truncateSync(path, end + Math.floor(more * keep))
  }
}
const text = (value: string): Uint8Array => Buffer.from(value)

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("append"), bytes: fc.nat(20_000), count: fc.nat(4) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("commit"), works: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("take"), records: fc.nat(5), bytes: fc.nat(40_000) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("settle"), which: fc.nat(), delivered: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart") }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("kill"), keep: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
)

test("whatever is appended, committed, taken, settled, killed: what was committed comes until it is settled, and the counts agree", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      await inFolder(async (folder) => {
        const host = queueHost(folder)
        let queue = host.open(budget())
        host.commit()
        let next = 0
        /** Things by record: committed and open, and what happened since the commit. */
        let open = new Map<number, number>()
        let now = new Map<number, number>()
        let out: Held<QueueRecord>[] = []
        /** Records that came and should not. */
        let wrong = 0
        const commit = (works: boolean): void => {
          if (!host.commit(works)) return
          open = new Map(now)
          const { offered, delivered, dropped, held, heldRecords } = queue.counters
          expect(offered).toBe(delivered + sumOf(dropped) + held)
          expect([heldRecords, held]).toEqual([
            open.size,
            [...open.values()].reduce((sum, count) => sum + count, 0),
          ])
        }
        for (const one of steps) {
          if (one.kind === "append" && "bytes" in one && "count" in one) {
            queue.append(`k${one.bytes % 3}`, next, payload(next, one.bytes), one.count)
            now.set(next++, one.count)
          } else if ("works" in one) commit(one.works)
          else if ("records" in one) {
            const taken = await queue.take({ records: 1 + one.records, bytes: one.bytes })
            for (const { item } of taken) wrong += open.get(idOf(item)) === item.count ? 0 : 1
            out.push(...taken)
          } else if ("which" in one) {
            const [held] = out.splice(one.which % Math.max(1, out.length), 1)
            if (held === undefined) continue
            queue.settle(held, one.delivered, "invalid")
            now.delete(idOf(held.item))
          } else {
            if (one.kind === "restart") commit(true)
            else if ("keep" in one) tear(host, folder, one.keep)
            queue.close()
            out = []
            now = new Map(open)
            queue = host.open(budget())
          }
        }
        commit(true)
        const ids = new Set(out.map(({ item }) => idOf(item)))
        for (;;) {
          const taken = await queue.take({ records: 7, bytes: 50_000 })
          if (taken.length === 0) break
          for (const held of taken) {
            expect(ids.has(idOf(held.item))).toBe(false)
            ids.add(idOf(held.item))
            expect([...held.item.payload.subarray(4)].every((byte) => byte === idOf(held.item) % 251)).toBe(
              true,
            )
          }
          out.push(...taken)
        }
        expect([...ids].toSorted((a, b) => a - b)).toEqual([...open.keys()])
        expect(wrong).toBe(0)
        for (const held of out) queue.settle(held, held.item.count)
        now.clear()
        commit(true)
        expect(queue.counters).toMatchObject({ held: 0, heldRecords: 0, heldBytes: 0 })
        expect(queue.counters.dropped.get("damaged")).toBeUndefined()
      })
    }),
    { numRuns: 30 },
  )
}, 60_000)

const answer = fc.oneof(
  fc.constant<WriteResult>({ kind: "accepted" }),
  fc.constant<WriteResult>({ kind: "retry", why: "down", afterMs: 9000 }),
  fc.constant<WriteResult>({ kind: "retry", why: "busy" }),
  fc.constant<WriteResult>({ kind: "rejected", reason: "invalid", why: "no" }),
  fc.nat(4).map((place): WriteResult => ({ kind: "accepted", again: new Set([place]), why: "later" })),
  fc.nat(4).map((place): WriteResult => ({ kind: "accepted", rejected: new Map([[place, "too_old"]]) })),
  fc.nat(4).map((rejectedCount): WriteResult => ({ kind: "accepted", rejectedCount })),
)
const life = fc.record({
  batches: fc.array(fc.array(fc.nat(15_000), { maxLength: 12 }), { maxLength: 5 }),
  answers: fc.array(answer, { maxLength: 12 }),
  kill: fc.boolean(),
  keep: fc.double({ min: 0, max: 1, noNaN: true }),
})

test("over lives of the agent that end in order or by kill -9, with any answers: nothing is lost, nothing comes twice without a kill", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(life, { maxLength: 4 }), fc.constantFrom(1, 4), async (lives, concurrency) => {
      await inFolder(async (folder) => {
        const host = queueHost(folder)
        const committed = new Set<number>()
        const answered = new Map<number, number>()
        let next = 0
        const clock = manualClock()
        const turning = { ...clock, sleep: (ms: number) => clock.sleep(ms).then(turn) }
        const last = { batches: [], answers: [], kill: false, keep: 0 }
        for (const { batches, answers, kill, keep } of [...lives, last]) {
          const queue = host.open(budget())
          host.commit()
          const left = answers.slice()
          const sink = answering(() => left.shift() ?? { kind: "accepted" }, answered)
          const window = { bytes: 100_000, records: 10 }
          const delivery = new Delivery(
            { ...DEFAULT_DELIVERY, concurrency, window },
            { queue, sink, clock: turning, random: Math.random },
          )
          await delivery.start()
          const fresh: number[] = []
          for (const [index, batch] of batches.entries()) {
            for (const bytes of batch) {
              queue.append(`k${next % 2}`, next, payload(next, bytes))
              fresh.push(next++)
            }
            if (kill && index === batches.length - 1) break
            host.commit()
            for (const id of fresh.splice(0)) committed.add(id)
            await turn()
          }
          if (batches.length === 0) await until(() => host.commit() && queue.counters.held === 0)
          await delivery.stop(kill ? 0 : 1000)
          if (kill) tear(host, folder, keep)
          else host.commit()
          const { offered, delivered, dropped, held } = queue.counters
          expect(offered).toBe(delivered + sumOf(dropped) + held)
        }
        expect([...answered.keys()].toSorted((a, b) => a - b)).toEqual([...committed])
        const killed = lives.some(({ kill }) => kill)
        expect([...answered.values()].filter((times) => times > 1 && !killed)).toEqual([])
        const queue = host.open(budget())
        expect(queue.counters).toMatchObject({ offered: committed.size, held: 0, heldRecords: 0 })
        expect(queue.counters.dropped.get("unsplit")).toBeUndefined()
      })
    }),
    { numRuns: 30 },
  )
}, 120_000)

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** Files are read in other threads, so this takes real time. */
async function until(done: () => boolean): Promise<void> {
  for (const untilMs = Date.now() + 10_000; Date.now() < untilMs && !done(); )
    await new Promise((resolve) => void setTimeout(resolve, 1))
}

/** Five records a request; notes each record that it took or refused for good. */
function answering(next: () => WriteResult, answered: Map<number, number>): Sink<readonly QueueRecord[]> {
  return {
    start: () => Promise.resolve(),
    split(records) {
      const requests: { records: number[]; body: QueueRecord[] }[] = []
      for (const [index, record] of records.entries()) {
        const last = requests.at(-1)
        if (last === undefined || last.body.length >= 5 || last.body[0]?.key !== record.key)
          requests.push({ records: [index], body: [record] })
        else {
          last.records.push(index)
          last.body.push(record)
        }
      }
      return { requests, refused: new Map() }
    },
    async write(body, signal) {
      await turn()
      const result: WriteResult = signal.aborted ? { kind: "retry", why: "aborted" } : next()
      if (result.kind === "retry") return result
      for (const [position, record] of body.entries()) {
        if (result.kind === "accepted" && result.again?.has(position) === true) continue
        answered.set(idOf(record), (answered.get(idOf(record)) ?? 0) + 1)
      }
      return result
    },
    stop: () => Promise.resolve(),
  }
}
