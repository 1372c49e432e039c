import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  writeSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import { expect, test } from "vitest"
import { TailSource } from "../../agent/collect/tail/tail-source.ts"
import { systemClock } from "../../mesh/clock.ts"

/** A program that logs, and a rotator, as they behave on a node. Remembers every line that was finished. */
class Writer {
  readonly path: string
  readonly written: string[] = []
  #fd: number
  #half = ""
  #next = 0
  constructor(folder: string) {
    this.path = join(folder, "access.log")
    this.#fd = openSync(this.path, "a")
  }
  line(pad: number): void {
    this.finish()
    const text = `${this.#next++}:${"x".repeat(pad)}`
    writeSync(this.#fd, `${text}\n`)
    this.written.push(text)
  }
  half(pad: number): void {
    this.finish()
    this.#half = `${this.#next++}:${"y".repeat(pad)}`
    writeSync(this.#fd, this.#half)
  }
  finish(): void {
    if (this.#half === "") return
    writeSync(this.#fd, "\n")
    this.written.push(this.#half)
    this.#half = ""
  }
  #shift(): void {
    let last = 1
    while (existsSync(`${this.path}.${last}`)) last++
    for (let index = last; index > 1; index--)
      renameSync(`${this.path}.${index - 1}`, `${this.path}.${index}`)
  }
  rename(): void {
    if (!existsSync(this.path)) return
    this.#shift()
    renameSync(this.path, `${this.path}.1`)
  }
  reopen(): void {
    this.finish()
    closeSync(this.#fd)
    this.#fd = openSync(this.path, "a")
  }
  /** Only between whole lines: what is half written then, the rotator itself tears. */
  copyTruncate(): void {
    this.finish()
    if (!existsSync(this.path)) return
    this.#shift()
    copyFileSync(this.path, `${this.path}.1`)
    truncateSync(this.path, 0)
  }
  remove(): void {
    rmSync(this.path, { force: true })
    this.reopen()
  }
  close(): void {
    closeSync(this.#fd)
  }
}

/** The agent: lines and position are kept together, and a kill goes back to what was kept. */
class Reader {
  delivered: string[] = []
  #kept: { lines: string[]; state: Uint8Array | undefined } = { lines: [], state: undefined }
  #source: TailSource
  readonly #path: string
  constructor(path: string) {
    this.#path = path
    this.#source = this.#make()
  }
  #make(): TailSource {
    const source = new TailSource(
      {
        clock: systemClock,
        restored: this.#kept.state,
        consumer: {
          lines: (_, bytes, start, end) => {
            if (bytes[end - 1] !== 10) throw new Error("half a line")
            const lines = bytes.toString("latin1", start, end - 1).split("\n")
            this.delivered.push(...lines)
            return lines.length
          },
        },
      },
      { bufferBytes: 512, rotatedIdleMs: 0 },
    )
    source.follow(this.#path)
    return source
  }
  async poll(): Promise<void> {
    while (await this.#source.poll());
  }
  save(): void {
    const state = this.#source.save()
    if (state !== undefined) this.#kept = { lines: [...this.delivered], state }
  }
  async kill(): Promise<void> {
    const old = this.#source
    this.delivered = [...this.#kept.lines]
    this.#source = this.#make()
    // Only to give the descriptors back: what it still reads counts for nothing.
    const after = this.delivered
    this.delivered = []
    await old.stop()
    this.delivered = after
  }
  async stop(): Promise<void> {
    await this.#source.stop()
  }
  get counters(): TailSource["counters"] {
    return this.#source.counters
  }
}

const step = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constant("line" as const), fc.integer({ min: 1, max: 120 })) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("half" as const), fc.integer({ min: 1, max: 120 })) },
  { weight: 5, arbitrary: fc.tuple(fc.constant("poll" as const), fc.constant(0)) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("save" as const), fc.constant(0)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("kill" as const), fc.constant(0)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("rename" as const), fc.constant(0)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("reopen" as const), fc.constant(0)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("rotate" as const), fc.constant(0)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("copyTruncate" as const), fc.constant(0)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("remove" as const), fc.constant(0)) },
)

async function apply(writer: Writer, reader: Reader, [name, pad]: readonly [string, number]): Promise<void> {
  if (name === "line") writer.line(pad)
  else if (name === "half") writer.half(pad)
  else if (name === "poll") await reader.poll()
  else if (name === "save") reader.save()
  else if (name === "kill") await reader.kill()
  else if (name === "rename") writer.rename()
  else if (name === "reopen") writer.reopen()
  else if (name === "copyTruncate") writer.copyTruncate()
  else if (name === "rotate") {
    writer.finish()
    writer.rename()
    writer.reopen()
  } else {
    // What is deleted before it was read and kept is lost to anybody.
    writer.finish()
    await reader.poll()
    reader.save()
    writer.remove()
  }
}

test("every line is delivered exactly once over renames, truncations, deletions and restarts", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      const folder = mkdtempSync(join(tmpdir(), "tail-"))
      const writer = new Writer(folder)
      const reader = new Reader(writer.path)
      try {
        // What was rotated away before the agent saw it for the first time is none of its business.
        await reader.poll()
        reader.save()
        for (const one of steps) await apply(writer, reader, one)
        // What happened behind a missing path is found when the path is back.
        writer.reopen()
        await reader.poll()
        await reader.poll()
        expect(reader.delivered.toSorted()).toEqual(writer.written.toSorted())
        expect(reader.counters.consumer_errors).toBe(0)
      } finally {
        await reader.stop()
        writer.close()
        rmSync(folder, { recursive: true })
      }
    }),
    { numRuns: 300 },
  )
}, 120_000)
