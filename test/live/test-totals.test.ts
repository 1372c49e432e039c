import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { promisify } from "node:util"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { z } from "zod"

const root = resolve(import.meta.dirname, "../..")
const CONFIG = `import { TestTotals } from "${join(root, "scripts/test-totals.ts")}"
export default { test: { reporters: [new TestTotals()], passWithNoTests: true } }
`
const PASS = `it("a", () => {})`
const FAIL = `it("b", () => { throw new Error("b") })`
const HIDDEN = `${["it", "skip"].join(".")}("c", () => {})`
const BAD_HOOK = `describe("d", () => { beforeAll(() => { throw new Error("d") }); it("e", () => {}) })`

let folder: string

beforeEach(async () => {
  // below the project, so that vitest is found
  await mkdir(join(root, ".vitest"), { recursive: true })
  folder = await mkdtemp(join(root, ".vitest/totals-"))
  await writeFile(join(folder, "vitest.config.ts"), CONFIG)
})
afterEach(() => rm(folder, { recursive: true }))

/** Runs vitest itself on one file with these tests; its exit code and the line for .ci/run. */
async function run(tests: string[], ci: boolean): Promise<{ exitCode: number; totals: string }> {
  const totals = join(folder, "totals")
  const text = ['import { beforeAll, describe, it } from "vitest"', "void [beforeAll, describe]", ...tests]
  if (tests.length > 0) await writeFile(join(folder, "planted.test.ts"), text.join("\n"))
  const vitest = join(root, "node_modules/vitest/vitest.mjs")
  const env = { ...process.env, CI: ci ? "true" : "", MESHSCOPE_TEST_TOTALS: totals }
  const ended = await promisify(execFile)(process.execPath, [vitest, "run"], { cwd: folder, env }).catch(
    (error: unknown) => z.object({ code: z.number() }).parse(error),
  )
  return {
    exitCode: "code" in ended ? ended.code : 0,
    totals: await readFile(totals, "utf8").catch(() => ""),
  }
}

describe("a run of tests", () => {
  it.each([
    { name: "all pass", tests: [PASS], ci: true, exitCode: 0, totals: "1 0\n" },
    { name: "one fails", tests: [PASS, FAIL], ci: true, exitCode: 1, totals: "1 1\n" },
    { name: "one is skipped in CI", tests: [PASS, HIDDEN], ci: true, exitCode: 1, totals: "1 1\n" },
    { name: "one is skipped by a developer", tests: [PASS, HIDDEN], ci: false, exitCode: 0, totals: "1 0\n" },
    { name: "a hook fails", tests: [PASS, BAD_HOOK], ci: false, exitCode: 1, totals: "1 1\n" },
    {
      name: "a file cannot be loaded",
      tests: [`throw new Error("f")`],
      ci: true,
      exitCode: 1,
      totals: "0 1\n",
    },
    { name: "no test is there in CI", tests: [], ci: true, exitCode: 1, totals: "0 1\n" },
  ])("$name", async ({ tests, ci, exitCode, totals }) => {
    expect(await run(tests, ci)).toEqual({ exitCode, totals })
  })
})
