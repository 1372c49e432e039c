import { cpSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { crc32 } from "node:zlib"
import { expect, test } from "vitest"
import { MeshscopeError } from "#mesh/errors.ts"
import { makeQueueBudget } from "../../agent/publish/queue/queue-budget.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { fillDisk, smallDisk } from "../fixtures/ledger/small-disk.ts"
import { queueHost, sumOf, takeAll } from "../fixtures/queue/queue-host.ts"
import { recordTexts, segmentFiles, text } from "../fixtures/queue/segment-files.ts"

const KB = 1024

test("cut at every byte behind the commit, or with rubbish behind it: what was committed is what is there", async () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const queue = host.open()
  for (const one of recordTexts(0, 3)) queue.append("key", 1, text(one))
  host.commit()
  const [path = ""] = segmentFiles(folder)
  const committed = statSync(path).size
  for (const one of recordTexts(3, 5)) queue.append("key", 1, text(one))
  host.commit(false)
  const whole = readFileSync(path)
  expect(whole.length).toBeGreaterThan(committed)
  for (let end = committed; end <= whole.length; end++) {
    writeFileSync(path, Buffer.concat([whole.subarray(0, end), Buffer.alloc(end % 3, 0xa7)]))
    const again = host.open()
    expect(await takeAll(again, false)).toEqual(recordTexts(0, 3))
    expect(again.counters).toMatchObject({ offered: 3, held: 3 })
    expect(statSync(path).size).toBe(committed)
  }
  expect(host.notes).toEqual([])
})

test("cut at every byte before the commit: all whole records are sent, the others counted as damaged", async () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const queue = host.open()
  for (const one of recordTexts(0, 6)) queue.append("key", 1, text(one), 2)
  host.commit()
  const [path = ""] = segmentFiles(folder)
  const whole = readFileSync(path)
  const frame = (whole.length - 16) / 6
  for (let end = 0; end < whole.length; end++) {
    writeFileSync(path, whole.subarray(0, end))
    const again = host.open()
    const left = Math.max(0, Math.floor((end - 16) / frame))
    expect(await takeAll(again)).toEqual(recordTexts(0, left))
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
  for (const one of recordTexts(0, 5)) queue.append("key", 1, text(one), 2)
  host.commit()
  const state = host.kept.get("queue/sink")
  const [path = ""] = segmentFiles(folder)
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
      expect(recordTexts(0, 5)).toEqual(expect.arrayContaining(read))
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
  const [path = ""] = segmentFiles(folder)
  const frame = readFileSync(path).subarray(16)
  const otherFolder = temporaryFolder()
  const other = queueHost(otherFolder)
  const second = other.open()
  second.append("", 1, frame)
  second.append("", 1, text("last"))
  other.commit()
  const [damaged = ""] = segmentFiles(otherFolder)
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
  for (const one of recordTexts(0, 4)) queue.append("", 7, text(one), 2)
  host.commit()
  const [path = ""] = segmentFiles(folder)
  writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from("torn")]))
  for (const lost of ["", "{", '{"version":1,"next":-4}']) {
    host.kept.clear()
    if (lost !== "") host.kept.set("queue/sink", text(lost))
    const again = host.open()
    expect(await takeAll(again, false)).toEqual(recordTexts(0, 4))
    expect(again.counters).toMatchObject({ offered: 8, held: 8 })
  }
  expect(host.notes).toContain(
    `The state of the queue in ${join(folder, "sink")} was lost: its 8 things are sent, some maybe again.`,
  )
  const last = host.open()
  expect(await takeAll(last)).toEqual(recordTexts(0, 4))
  last.append("", 8, text("new"))
  host.commit()
  expect(await takeAll(last)).toEqual(["new"])
  host.commit()
  expect(last.counters).toMatchObject({ offered: 9, delivered: 9, held: 0 })
  expect(segmentFiles(folder)).toHaveLength(1)
})

test("a segment or a state of a later version is refused and kept", () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const queue = host.open()
  queue.append("", 1, text("one"))
  host.commit()
  const [path = ""] = segmentFiles(folder)
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
  for (const one of recordTexts(0, 50)) queue.append("", 1, text(one.padEnd(1000)))
  host.commit()
  const makeRoom = fillDisk(folder)
  let failed = 0
  for (let commit = 1; commit < 4; commit++) {
    for (const one of recordTexts(50 * commit, 50 * (commit + 1))) queue.append("", 1, text(one.padEnd(1000)))
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
  expect((await takeAll(queue)).map((one) => one.trim())).toEqual(recordTexts(0, 200))
  host.commit()
  expect(queue.counters).toMatchObject({ offered: 200, delivered: 200, held: 0, dropped: new Map() })
})

test("a file that vanished is counted as damaged, and the rest goes on", async () => {
  const folder = temporaryFolder()
  const host = queueHost(folder)
  const queue = host.open(makeQueueBudget({ maxBytes: 1024 * KB, policy: "oldest" }))
  for (let index = 0; index < 100; index++) queue.append("", 1, Buffer.alloc(KB), 2)
  host.commit()
  const [first = "", second = ""] = segmentFiles(folder)
  rmSync(first)
  truncateSync(second, 0)
  queue.append("", 1, text("last"))
  host.commit()
  expect((await takeAll(queue)).at(-1)).toBe("last")
  host.commit()
  expect(queue.counters).toMatchObject({ offered: 201, delivered: 1, held: 0 })
  expect(queue.counters.dropped.get("damaged")).toBe(200)
})
