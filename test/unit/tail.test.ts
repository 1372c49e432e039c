import { execFileSync } from "node:child_process"
import { once } from "node:events"
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Worker } from "node:worker_threads"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { type TailConfig, type TailConsumer, TailSource } from "../../agent/collect/tail/tail-source.ts"
import { decodeState } from "../../agent/collect/tail/tail-state.ts"
import { LineFramer } from "../../agent/decode/access-log/framing.ts"
import { systemClock } from "../../mesh/clock.ts"

let folder = ""
let path = ""
let lines: string[] = []
const open: TailSource[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tail-"))
  path = join(folder, "access.log")
  lines = []
})
afterEach(async () => {
  for (const source of open.splice(0)) await source.stop()
  rmSync(folder, { recursive: true })
})

const collect: TailConsumer = {
  lines(id, bytes, start, end) {
    const texts = bytes.toString("utf8", start, end - 1).split("\n")
    lines.push(...texts.map((text) => `${id}:${text}`))
    return texts.length
  },
}

function make(config: Partial<TailConfig> = {}, restored?: Uint8Array, consumer = collect): TailSource {
  const source = new TailSource({ clock: systemClock, consumer, restored }, config)
  open.push(source)
  return source
}

async function settle(source: TailSource): Promise<void> {
  while (await source.poll());
}

describe("first sight", () => {
  test("a file that is there is read from its beginning, or from its end", async () => {
    writeFileSync(path, "old\n")
    // Births have the grain of the kernel's clock tick.
    await systemClock.sleep(20)
    const first = make({ start: "beginning" })
    first.follow(path)
    await settle(first)
    expect(lines).toEqual(["1:old"])
    const second = make({ start: "end" })
    second.follow(path)
    await settle(second)
    appendFileSync(path, "new\n")
    await settle(second)
    expect(lines).toEqual(["1:old", "1:new"])
  })

  test("at the end, the half line that is there is passed over", async () => {
    writeFileSync(path, "old\nhalf")
    await systemClock.sleep(20)
    const source = make({ start: "end" })
    source.follow(path)
    await settle(source)
    appendFileSync(path, " of it\nnew\n")
    await settle(source)
    expect(lines).toEqual(["1:new"])
    expect(source.counters.line_too_long).toBe(0)
  })

  test("a file that is younger than the agent, or appears later, is read from its beginning", async () => {
    const source = make({ start: "end" })
    await systemClock.sleep(20)
    writeFileSync(path, "a\n")
    source.follow(path)
    const later = join(folder, "later.log")
    source.follow(later)
    await settle(source)
    writeFileSync(later, "b\n")
    await settle(source)
    expect(lines).toEqual(["1:a", "2:b"])
  })

  test("after the first start ever, an unknown file is read from its beginning", async () => {
    const first = make({ start: "end" })
    const state = first.save()
    await systemClock.sleep(20)
    writeFileSync(path, "a\n")
    const second = make({ start: "end" }, state)
    second.follow(path)
    await settle(second)
    expect(lines).toEqual(["1:a"])
  })
})

test("a file older than the first start is read from its end, also when it is first followed after a restart", async () => {
  writeFileSync(path, "old\n")
  await systemClock.sleep(20)
  const state = make({ start: "end" }).save()
  const second = make({ start: "end" }, state)
  second.follow(path)
  await settle(second)
  appendFileSync(path, "new\n")
  await settle(second)
  expect(lines).toEqual(["1:new"])
})

describe("what is refused", () => {
  test("pipes, folders, links, and what lies elsewhere; the loop goes on", async () => {
    execFileSync("mkfifo", [join(folder, "fifo")])
    mkdirSync(join(folder, "folder"))
    mkdirSync(join(folder, "inside"))
    writeFileSync(join(folder, "secret"), "secret\n")
    symlinkSync(join(folder, "secret"), join(folder, "link"))
    symlinkSync(folder, join(folder, "inside", "up"))
    writeFileSync(path, "good\n")
    const source = make()
    source.follow(join(folder, "fifo"))
    source.follow(join(folder, "folder"))
    source.follow(join(folder, "link"), { noFollow: true })
    source.follow(join(folder, "inside", "up", "secret"), { within: [join(folder, "inside")] })
    source.follow(path, { noFollow: true, within: [folder] })
    for (let round = 0; round < 3; round++) await settle(source)
    expect(lines).toEqual(["5:good"])
    // Each one once, however often it is looked at.
    expect(source.counters).toMatchObject({ refused: 4, errors: 0, files_open: 1 })
  })

  test("a link is followed where that is allowed, also when it is turned to the next file", async () => {
    writeFileSync(join(folder, "0.log"), "a\n")
    symlinkSync(join(folder, "0.log"), path)
    const source = make()
    source.follow(path)
    await settle(source)
    appendFileSync(join(folder, "0.log"), "b\n")
    writeFileSync(join(folder, "1.log"), "c\n")
    unlinkSync(path)
    symlinkSync(join(folder, "1.log"), path)
    await settle(source)
    expect(lines).toEqual(["1:a", "1:b", "1:c"])
  })

  test("compressed files are left alone", async () => {
    const source = make({ rotatedIdleMs: 0 })
    writeFileSync(path, "a\n")
    source.follow(path)
    await settle(source)
    renameSync(path, `${path}.1`)
    writeFileSync(`${path}.2.gz`, "not a line\n")
    writeFileSync(path, "b\n")
    await settle(source)
    expect(lines).toEqual(["1:a", "1:b"])
  })
})

describe("rotation", () => {
  test("the old file is read while its writer goes on, and closed when its successor has lines", async () => {
    const source = make({ rotatedIdleMs: 0 })
    writeFileSync(path, "a\n")
    source.follow(path)
    await settle(source)
    renameSync(path, `${path}.1`)
    writeFileSync(path, "")
    await settle(source)
    await settle(source)
    appendFileSync(`${path}.1`, "late\n")
    await settle(source)
    appendFileSync(path, "b\n")
    await settle(source)
    await settle(source)
    expect(lines).toEqual(["1:a", "1:late", "1:b"])
    expect(source.counters).toMatchObject({ files_open: 1, rotations: 1, lost_rotations: 0 })
  })

  test("a deleted file is read to its end", async () => {
    const source = make()
    writeFileSync(path, "a\n")
    const fd = openSync(path, "a")
    source.follow(path)
    await settle(source)
    unlinkSync(path)
    writeFileSync(fd, "b\n")
    await settle(source)
    writeFileSync(path, "c\n")
    await settle(source)
    expect(lines).toEqual(["1:a", "1:b", "1:c"])
  })

  test("truncation without a copy is counted as a loss", async () => {
    const source = make()
    writeFileSync(path, "aaaa\nbbbb\n")
    source.follow(path)
    await settle(source)
    truncateSync(path, 0)
    appendFileSync(path, "cccc\ndddd\neeee\n")
    await settle(source)
    expect(lines.slice(2)).toEqual(["1:cccc", "1:dddd", "1:eeee"])
    expect(source.counters).toMatchObject({ truncations: 1, lost_rotations: 1 })
  })
})

describe("long lines", () => {
  test("a gigabyte without a newline is passed over in flat memory, and the next line is read", async () => {
    writeFileSync(path, "first\n")
    truncateSync(path, 2 ** 30)
    appendFileSync(path, "\nnext\n")
    const source = make()
    source.follow(path)
    const before = process.memoryUsage().rss
    await settle(source)
    expect(process.memoryUsage().rss - before).toBeLessThan(16 * 2 ** 20)
    expect(lines).toEqual(["1:first", "1:next"])
    expect(source.counters).toMatchObject({ line_too_long: 1, lines: 2, bytes: 2 ** 30 + 6 })
  }, 20_000)

  test("also over a restart in the middle", async () => {
    writeFileSync(path, `a\n${"x".repeat(5000)}`)
    const first = make({ bufferBytes: 512 })
    first.follow(path)
    await settle(first)
    appendFileSync(path, `${"x".repeat(5000)}\nb\n`)
    const second = make({ bufferBytes: 512 }, first.save())
    second.follow(path)
    await settle(second)
    expect(lines).toEqual(["1:a", "1:b"])
    expect([first.counters.line_too_long, second.counters.line_too_long]).toEqual([1, 0])
  })
})

describe("state", () => {
  test("nothing to save when nothing moved", async () => {
    writeFileSync(path, "a\n")
    const source = make()
    source.follow(path)
    await settle(source)
    expect(source.save()).toBeDefined()
    await settle(source)
    expect(source.save()).toBeUndefined()
  })

  test("positions of paths that are not followed yet are kept", async () => {
    writeFileSync(path, "a\n")
    const first = make()
    first.follow(path)
    await settle(first)
    const state = first.save()
    const second = make({}, state)
    second.follow(join(folder, "other"))
    writeFileSync(join(folder, "other"), "x\n")
    await settle(second)
    const third = make({}, second.save())
    third.follow(path)
    appendFileSync(path, "b\n")
    await settle(third)
    expect(lines).toEqual(["1:a", "1:x", "1:b"])
  })

  test("a path that is given up is read to its end; followed again, it goes on from there", async () => {
    writeFileSync(path, "a\n")
    const closed: number[] = []
    const source = make({}, undefined, { ...collect, closed: (id) => closed.push(id) })
    source.follow(path)
    source.unfollow(path)
    await settle(source)
    expect(lines).toEqual(["1:a"])
    expect(closed).toEqual([1])
    expect(source.counters).toMatchObject({ files_open: 0, files_followed: 0 })
    appendFileSync(path, "b\n")
    await settle(source)
    source.follow(path)
    await settle(source)
    expect(lines).toEqual(["1:a", "2:b"])
  })

  test("where nothing is left, the position of a path that was given up is forgotten in time", async () => {
    writeFileSync(path, "a\n")
    writeFileSync(join(folder, "stays"), "x\n")
    const source = make({ forgetAfterMs: 50 })
    for (const each of [path, join(folder, "stays")]) {
      source.follow(each)
      source.unfollow(each)
    }
    await settle(source)
    unlinkSync(path)
    await systemClock.sleep(60)
    await settle(source)
    const kept = decodeState(source.save() ?? new Uint8Array()).files
    expect(kept.map((file) => file.path)).toEqual([join(folder, "stays")])
  })

  test("half a line of a container survives kill -9 together with the position", async () => {
    const stamp = "2026-11-20T15:53:52.113456789Z"
    const framed = (framer: LineFramer): TailConsumer => ({
      lines: (_, bytes, start, end) =>
        framer.frame(bytes, start, end, (line, from, to) => lines.push(line.toString("utf8", from, to))),
      held: () => framer.save(),
      restore: (_, held) => {
        framer.restore(held)
      },
    })
    writeFileSync(path, `${stamp} stdout F one\n${stamp} stdout P half \n${stamp} stderr F two\n`)
    const first = make({}, undefined, framed(new LineFramer()))
    first.follow(path)
    await settle(first)
    const second = make({}, first.save(), framed(new LineFramer()))
    second.follow(path)
    appendFileSync(path, `${stamp} stdout F whole\n`)
    await settle(second)
    expect(lines).toEqual(["one", "two", "half whole"])
  })

  test.each([
    ["{", "STATE_CORRUPT"],
    ["{}", "STATE_CORRUPT"],
    ['{"v":2}', "STATE_FUTURE"],
    ['{"v":1,"files":[{}]}', "STATE_CORRUPT"],
    ['{"v":1,"files":[{"path":"/a","positions":[{"offset":-1}],"known":[],"held":""}]}', "STATE_CORRUPT"],
  ])("%s", (state, code) => {
    expect(() => make({}, Buffer.from(state))).toThrow(expect.objectContaining({ code }))
  })
})

test("many files share the reading, and a consumer that throws stops nobody", async () => {
  for (let index = 0; index < 20; index++)
    writeFileSync(join(folder, `${index}.log`), "line\n".repeat(index === 0 ? 5000 : 3))
  const order: number[] = []
  const source = make({ bufferBytes: 1024 }, undefined, {
    lines: (id) => {
      order.push(id)
      if (id === 3) throw new Error("no")
      return 0
    },
  })
  for (let index = 0; index < 20; index++) source.follow(join(folder, `${index}.log`))
  await settle(source)
  // The long file gets one buffer a turn.
  expect(order.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  expect(source.counters.consumer_errors).toBe(1)
})

test("the loop polls by itself until it is stopped", async () => {
  writeFileSync(path, "a\n")
  const source = make({ pollMs: 5 })
  source.follow(path)
  source.start()
  for (let waited = 0; lines.length < 1 && waited < 200; waited++) await systemClock.sleep(5)
  appendFileSync(path, "b\n")
  await source.stop()
  open.length = 0
  expect(lines).toEqual(["1:a", "1:b"])
  expect(source.counters.files_open).toBe(0)
})

/** Renames a file there and back as fast as the kernel does it, in a thread of its own. */
const RENAMER = `
const { parentPort, workerData } = require("node:worker_threads")
const { renameSync } = require("node:fs")
const until = Date.now() + workerData.ms
parentPort.postMessage("renaming")
while (Date.now() < until) {
  renameSync(workerData.path, workerData.path + ".1")
  renameSync(workerData.path + ".1", workerData.path)
}
`

test("a file that is renamed between two calls of one look is no error", async () => {
  writeFileSync(path, "first\n")
  const renamer = new Worker(RENAMER, { eval: true, workerData: { path, ms: 400 } })
  const ended = new AbortController()
  renamer.once("exit", () => {
    ended.abort()
  })
  await once(renamer, "message")
  const errors: number[] = []
  while (!ended.signal.aborted) {
    const source = make({ start: "beginning" })
    source.follow(path)
    await source.poll()
    errors.push(source.counters.errors, source.counters.lost_rotations)
    await systemClock.sleep(0)
  }
  expect(errors.filter((count) => count > 0)).toEqual([])
  expect(errors.length).toBeGreaterThan(20)
})
