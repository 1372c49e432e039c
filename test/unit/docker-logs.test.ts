import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { JsonFile, type JsonFileOptions } from "../fixtures/docker/json-file.ts"
import { TailReader } from "../fixtures/docker/tail-reader.ts"

const ID = "4f1c0a7be2d9".padEnd(64, "0")

async function withFile(
  options: JsonFileOptions,
  run: (file: JsonFile, reader: TailReader, folder: string) => Promise<void>,
): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "docker-"))
  const folder = join(root, ID)
  mkdirSync(folder)
  const path = join(folder, `${ID}-json.log`)
  const reader = new TailReader(path)
  try {
    await run(new JsonFile(path, options), reader, folder)
  } finally {
    await reader.kill()
    rmSync(root, { recursive: true })
  }
}

const PLAIN = { maxFile: 4, compress: false }
const PACKED = { maxFile: 4, compress: true }

describe.each([
  ["as they are", PLAIN],
  ["packed", PACKED],
])("rotated files %s", (_, options) => {
  test.each([1, 2, 3])("%d rotations while nobody reads: each line once, in order", async (times) => {
    await withFile(options, async (file, reader) => {
      file.write(5)
      await reader.look()
      await reader.kill()
      for (let round = 0; round < times; round++) {
        file.write(5)
        await file.rotate()
      }
      file.write(5)
      await reader.look()
      expect(reader.lines).toEqual(file.written)
      await reader.kill()
      await reader.look()
      expect(reader.lines).toEqual(file.written)
      expect(reader.lost).toBe(0)
    })
  })

  test("more of them than files are kept: what is gone is told, the rest is read once", async () => {
    await withFile(options, async (file, reader) => {
      file.write(5)
      await reader.look()
      await reader.kill()
      for (let round = 0; round < 6; round++) {
        file.write(5)
        await file.rotate()
      }
      file.write(5)
      await reader.look()
      // What is packed cannot be told from what was read before, where its predecessor is gone.
      const kept = options.compress ? 5 : 20
      expect(reader.lines).toEqual([...file.written.slice(0, 5), ...file.written.slice(-kept)])
      expect(reader.lost).toBe(1)
    })
  })

  test("is read at every instant of a rotation", async () => {
    await withFile(options, async (file, reader) => {
      file.write(5)
      await reader.look()
      for (let round = 0; round < 6; round++) {
        file.write(5)
        await file.rotate(() => reader.look())
        file.write(5)
        await reader.look()
      }
      expect(reader.lines).toEqual(file.written)
      expect(reader.lost).toBe(0)
    })
  })

  test("a reader that begins again at every instant of a rotation", async () => {
    await withFile(options, async (file, reader) => {
      file.write(5)
      await reader.look()
      for (let round = 0; round < 5; round++) {
        file.write(5)
        await file.rotate(async () => {
          await reader.kill()
          await reader.look()
        })
      }
      file.write(5)
      await reader.look()
      expect(reader.lines).toEqual(file.written)
    })
  })

  test("a line whose pieces are in two files is one line", async () => {
    await withFile(options, async (file, reader) => {
      file.write(5)
      file.piece("begun here, ")
      await reader.look()
      await reader.kill()
      await file.rotate()
      file.piece("ended there\n")
      file.write(2)
      await reader.look()
      const [first, second] = file.written.slice(-2)
      expect(reader.lines.slice(5)).toEqual(["begun here, ended there", first, second])
    })
  })

  test("whatever happens in whatever order, as long as no more is rotated than is kept", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("write" as const), count: fc.integer({ min: 1, max: 9 }) }),
      fc.record({
        kind: fc.constantFrom("rotate" as const, "look" as const, "glance" as const, "kill" as const),
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) =>
        withFile(options, async (file, reader) => {
          let unseen = 0
          file.write(1)
          await reader.look()
          for (const one of steps) {
            if (one.kind === "write") file.write(one.count)
            else if (one.kind === "look") {
              await reader.look()
              unseen = 0
            } else if (one.kind === "glance") await reader.glance()
            else if (one.kind === "kill") await reader.kill()
            else if (unseen < options.maxFile - 1) {
              // The driver rotates when it has something to write.
              await file.rotate()
              file.write(1)
              unseen += 1
            }
          }
          await reader.look()
          expect(reader.lines).toEqual(file.written)
          expect(reader.lost).toBe(0)
        }),
      ),
      { numRuns: 60 },
    )
  })
})

test("a file in which nothing was yet when the agent went, filled and packed since: told as lost", async () => {
  await withFile(PACKED, async (file, reader) => {
    await reader.look()
    await reader.kill()
    file.write(5)
    await file.rotate()
    file.write(5)
    await reader.look()
    expect(reader.lines).toEqual(file.written.slice(-5))
    expect(reader.lost).toBe(1)
  })
})

test("one file alone (`max-file` 1, Docker's default): what is read in time is read whole, what is not is told", async () => {
  await withFile({ maxFile: 1, compress: false }, async (file, reader, folder) => {
    file.write(5)
    await reader.look()
    file.write(5)
    await file.rotate()
    file.write(5)
    await reader.look()
    expect(reader.lines).toEqual(file.written)
    expect(reader.lost).toBe(0)
    await reader.kill()
    const read = file.written.length
    file.write(3)
    await file.rotate()
    file.write(5)
    await reader.look()
    expect(reader.lines).toEqual([...file.written.slice(0, read), ...file.written.slice(-5)])
    expect(reader.lost).toBeGreaterThan(0)
    expect(readdirSync(folder)).toHaveLength(1)
  })
})
