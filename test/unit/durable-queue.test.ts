import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { crc32 } from "node:zlib"
import { expect, test } from "vitest"
import { MeshscopeError } from "#mesh/errors.ts"
import { makeQueueBudget } from "../../agent/publish/queue/queue-budget.ts"
import { findUnusedQueues, unusedQueueNote } from "../../agent/publish/queue/unused-queues.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { fillDisk, smallDisk } from "../fixtures/ledger/small-disk.ts"
import { queueHost, sumOf, takeAll } from "../fixtures/queue/queue-host.ts"

const text = (value: string): Buffer => Buffer.from(value)
const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `record ${from + index}`)
const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".seg"))
    .map((name) => join(folder, name))
    .toSorted()

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
  for (const one of numbered(0, 10)) first.append("", 1, text(one))
  host.commit()
  const taken = await first.take({ records: 6, bytes: 1e6 })
  for (const index of [0, 1, 3, 5]) {
    const one = taken[index]
    if (one !== undefined) first.settle(one, index === 5 ? 0 : 1, "invalid")
  }
  host.commit()
  for (const one of numbered(10, 12)) first.append("", 1, text(one))
  first.close()
  host.commit()
  const second = host.open()
  expect(second.counters).toMatchObject({ offered: 12, delivered: 3, held: 8, heldRecords: 8 })
  expect(await takeAll(second)).toEqual([2, 4, 6, 7, 8, 9, 10, 11].map((id) => `record ${id}`))
  host.commit()
  expect(second.counters).toMatchObject({ offered: 12, delivered: 11, held: 0, heldRecords: 0, heldBytes: 0 })
  expect(files(folder)).toEqual([])
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
  for (const one of numbered(0, 6)) first.append("", 1, text(one))
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
  expect(files(folder)).toHaveLength(2)
  expect((await takeAll(queue)).map((one) => one.length)).toEqual([60 * KB, "sooner".length])
  expect(queue.waiting).toBe(false)
  host.commit()
  expect(files(folder)).toHaveLength(1)
  expect(await takeAll(queue)).toEqual(["later"])
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

test("cut at every byte behind the commit, or with rubbish behind it: what was committed is what is there", async () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const queue = host.open()
  for (const one of numbered(0, 3)) queue.append("key", 1, text(one))
  host.commit()
  const [path = ""] = files(folder)
  const committed = statSync(path).size
  for (const one of numbered(3, 5)) queue.append("key", 1, text(one))
  host.commit(false)
  const whole = readFileSync(path)
  expect(whole.length).toBeGreaterThan(committed)
  for (let end = committed; end <= whole.length; end++) {
    writeFileSync(path, Buffer.concat([whole.subarray(0, end), Buffer.alloc(end % 3, 0xa7)]))
    const again = host.open()
    expect(await takeAll(again, false)).toEqual(numbered(0, 3))
    expect(again.counters).toMatchObject({ offered: 3, held: 3 })
    expect(statSync(path).size).toBe(committed)
  }
  expect(host.notes).toEqual([])
})

test("cut at every byte before the commit: all whole records are sent, the others counted as damaged", async () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const queue = host.open()
  for (const one of numbered(0, 6)) queue.append("key", 1, text(one), 2)
  host.commit()
  const [path = ""] = files(folder)
  const whole = readFileSync(path)
  const frame = (whole.length - 16) / 6
  for (let end = 0; end < whole.length; end++) {
    writeFileSync(path, whole.subarray(0, end))
    const again = host.open()
    const left = Math.max(0, Math.floor((end - 16) / frame))
    expect(await takeAll(again)).toEqual(numbered(0, left))
    const state = host.kept.get("queue/sink")
    host.commit()
    expect(again.counters).toMatchObject({ offered: 12, delivered: left * 2, held: 0, heldBytes: 0 })
    expect(again.counters.dropped.get("damaged")).toBe(12 - left * 2)
    if (state !== undefined) host.kept.set("queue/sink", state)
  }
  expect(host.notes.at(-1)).toBe(
    `${path} is damaged: 1 records (2 things) cannot be read. The others are sent.`,
  )
})

test("every byte flipped: at most one record is lost, and counted; no other record comes out", async () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const queue = host.open()
  for (const one of numbered(0, 5)) queue.append("key", 1, text(one), 2)
  host.commit()
  const state = host.kept.get("queue/sink")
  const [path = ""] = files(folder)
  const whole = readFileSync(path)
  for (let at = 0; at < whole.length; at++) {
    for (const bit of [1, 128]) {
      const flipped = Buffer.from(whole)
      flipped[at] = (flipped[at] ?? 0) ^ bit
      writeFileSync(path, flipped)
      if (state !== undefined) host.kept.set("queue/sink", state)
      const again = host.open()
      const read = await takeAll(again)
      host.commit()
      expect(numbered(0, 5)).toEqual(expect.arrayContaining(read))
      expect(read.length).toBeGreaterThanOrEqual(4)
      expect(new Set(read).size).toBe(read.length)
      expect(again.counters).toMatchObject({ offered: 10, delivered: read.length * 2, held: 0 })
      expect(again.counters.dropped.get("damaged") ?? 0).toBe(10 - read.length * 2)
    }
  }
})

test("a payload that is a frame of another file is not read as one behind damage", async () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const queue = host.open()
  queue.append("", 1, text("good"))
  host.commit()
  const [path = ""] = files(folder)
  const frame = readFileSync(path).subarray(16)
  const otherFolder = temporaryFolder()
  const other = queueHost(otherFolder)
  const second = other.open()
  second.append("", 1, frame)
  second.append("", 1, text("last"))
  other.commit()
  const [damaged = ""] = files(otherFolder)
  const bytes = readFileSync(damaged)
  bytes.writeUInt32LE(40, 16 + 4)
  writeFileSync(damaged, bytes)
  expect(await takeAll(second)).toEqual(["last"])
  other.commit()
  expect(Object.fromEntries(second.counters.dropped)).toEqual({ damaged: 1 })
})

test("without the ledger's state all whole records are sent", async () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const queue = host.open()
  for (const one of numbered(0, 4)) queue.append("", 7, text(one), 2)
  host.commit()
  const [path = ""] = files(folder)
  writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from("torn")]))
  for (const lost of ["", "{", '{"version":1,"next":-4}']) {
    host.kept.clear()
    if (lost !== "") host.kept.set("queue/sink", text(lost))
    const again = host.open()
    expect(await takeAll(again, false)).toEqual(numbered(0, 4))
    expect(again.counters).toMatchObject({ offered: 8, held: 8 })
  }
  expect(host.notes).toContain(
    `The state of the queue in ${join(folder, "sink")} was lost: its 8 things are sent, some maybe again.`,
  )
  const last = host.open()
  expect(await takeAll(last)).toEqual(numbered(0, 4))
  last.append("", 8, text("new"))
  host.commit()
  expect(await takeAll(last)).toEqual(["new"])
  host.commit()
  expect(last.counters).toMatchObject({ offered: 9, delivered: 9, held: 0 })
  expect(files(folder)).toHaveLength(1)
})

test("a segment or a state of a later version is refused and kept", () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const queue = host.open()
  queue.append("", 1, text("one"))
  host.commit()
  const [path = ""] = files(folder)
  const bytes = readFileSync(path)
  bytes.writeUInt16LE(2, 4)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12)
  writeFileSync(path, bytes)
  host.kept.clear()
  expect(() => host.open()).toThrow(
    new MeshscopeError(
      "STATE_FUTURE",
      `${path} has version 2; this program knows 1. It is kept as it is: start that version to send what it holds, or move it away.`,
    ),
  )
  expect(readFileSync(path)).toEqual(bytes)
  rmSync(path)
  host.kept.set("queue/sink", text('{"version":9,"more":[]}'))
  expect(() => host.open()).toThrow(/^The queue of sink was committed in version 9; this program knows 1\.$/)
})

test("the disk takes nothing: the commit fails with a sentence, and nothing is lost when it works again", async () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const queue = host.open()
  queue.append("", 1, text("before"))
  host.commit()
  expect(await takeAll(queue)).toEqual(["before"])
  // A folder in the place of the next file.
  const blocked = join(folder, "sink", "0000000002.seg")
  mkdirSync(blocked)
  const big = Buffer.alloc(1024 * 1024)
  for (let index = 0; index < 7; index++) queue.append("", 1, big)
  queue.append("", 1, text("after"))
  for (let index = 0; index < 12; index++) queue.append("", 1, big, 2)
  expect(host.commit()).toBe(false)
  expect(host.problem).toMatch(/^The queue in .*sink cannot be written: it is a folder, not a file\.$/)
  const lost = queue.counters.dropped.get("disk") ?? 0
  expect(lost).toBeGreaterThan(0)
  const { offered, delivered, dropped, held } = queue.counters
  expect(offered).toBe(delivered + sumOf(dropped) + held)
  rmSync(blocked, { recursive: true })
  expect(host.commit()).toBe(true)
  const read = await takeAll(queue)
  expect(read).toContain("after")
  host.commit()
  expect(queue.counters).toMatchObject({ offered: 33, delivered: 33 - lost, held: 0 })
}, 20_000)

test("a full disk: nothing that was appended is lost while it fits into memory, and a kill then loses nothing that was committed", async () => {
  const folder = smallDisk(512)
  const host = queueHost(folder)
  const queue = host.open()
  for (const one of numbered(0, 50)) queue.append("", 1, text(one.padEnd(1000)))
  host.commit()
  const makeRoom = fillDisk(folder)
  let failed = 0
  for (let commit = 1; commit < 4; commit++) {
    for (const one of numbered(50 * commit, 50 * (commit + 1))) queue.append("", 1, text(one.padEnd(1000)))
    failed += host.commit() ? 0 : 1
  }
  expect([failed, host.problem]).toEqual([3, expect.stringMatching(/its disk is full\.$/)])
  expect(queue.counters).toMatchObject({ offered: 50, held: 50, dropped: new Map() })
  const torn = temporaryFolder()
  cpSync(folder, torn, { recursive: true })
  const killed = queueHost(torn)
  for (const [key, bytes] of host.kept) killed.kept.set(key, bytes)
  expect(await takeAll(killed.open())).toHaveLength(50)
  makeRoom()
  expect(host.commit()).toBe(true)
  expect((await takeAll(queue)).map((one) => one.trim())).toEqual(numbered(0, 200))
  host.commit()
  expect(queue.counters).toMatchObject({ offered: 200, delivered: 200, held: 0, dropped: new Map() })
})

const KB = 1024
/** Fills two queues of one budget, 1 KB a record, and commits now and then. */
async function overfilled(policy: "oldest" | "newest") {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const budget = makeQueueBudget({ maxBytes: 512 * KB, policy })
  const large = host.open(budget, "large")
  const small = host.open(budget, "small")
  for (const one of numbered(0, 10)) small.append("", 1, text(one), 2)
  let most = 0
  for (let index = 0; index < 1500; index++) {
    large.append("", index, Buffer.alloc(KB, index % 251), 3)
    if (index % 100 === 40) await large.take({ records: 20, bytes: 1e6 })
    if (index % 90 === 0) host.commit()
    if (index % 10 === 0) {
      const disk = files(folder).reduce((sum, path) => sum + statSync(path).size, 0)
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
  expect(await takeAll(small)).toEqual(numbered(0, 10))
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
  expect(await takeAll(small)).toEqual(numbered(0, 10))
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

test("a file that vanished is counted as damaged, and the rest goes on", async () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const queue = host.open(makeQueueBudget({ maxBytes: 1024 * KB, policy: "oldest" }))
  for (let index = 0; index < 100; index++) queue.append("", 1, Buffer.alloc(KB), 2)
  host.commit()
  const [first = "", second = ""] = files(folder)
  rmSync(first)
  truncateSync(second, 0)
  queue.append("", 1, text("last"))
  host.commit()
  expect((await takeAll(queue)).at(-1)).toBe("last")
  host.commit()
  expect(queue.counters).toMatchObject({ offered: 201, delivered: 1, held: 0 })
  expect(queue.counters.dropped.get("damaged")).toBe(200)
})
