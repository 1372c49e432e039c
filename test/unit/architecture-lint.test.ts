import { execFile } from "node:child_process"
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { z } from "zod"

/** file -> what it imports. Each must be refused. */
const REFUSED: [file: string, imported: string][] = [
  ["mesh/planted.ts", "../agent/pipeline.ts"],
  ["mesh/planted.ts", "#mesh/errors.ts"],
  ["mesh/deep/planted.ts", "../../collector/main.ts"],
  ["agent/pipeline.ts", "../collector/store/cells.ts"],
  ["agent/main.ts", "../demo/main.ts"],
  ["agent/decode/planted.ts", "../resolve/route-table.ts"],
  ["agent/decode/deep/planted.ts", "../../account/ledger.ts"],
  ["agent/decode/very/deep/planted.ts", "../../../publish/sink.ts"],
  ["agent/resolve/planted.ts", "../decode/facts.ts"],
  ["agent/account/planted.ts", "../pipeline.ts"],
  ["agent/publish/planted.ts", "../account/contract.ts"],
  ["agent/discover/planted.ts", "../config/schema.ts"],
  ["agent/collect/planted.ts", "../decode/stats/page.ts"],
  ["agent/telemetry/planted.ts", "../account/ledger.ts"],
  ["agent/config/planted.ts", "../publish/sink.ts"],
  ["agent/config/planted.ts", "../discover/static/targets.ts"],
  ["agent/config/planted.ts", "../main.ts"],
  ["collector/main.ts", "../agent/account/ledger.ts"],
  ["collector/store/planted.ts", "../view/summary.ts"],
  ["collector/store/planted.ts", "../../agent/account/ledger.ts"],
  ["collector/store/deep/planted.ts", "../../ingest/intake.ts"],
  ["collector/ingest/planted.ts", "../api/app.ts"],
  ["collector/view/planted.ts", "../page/shell.ts"],
  ["collector/api/planted.ts", "../main.ts"],
  ["collector/api/planted.ts", "../page/shell.ts"],
  ["collector/api/deep/planted.ts", "../../page/shell.ts"],
  ["collector/page/planted.ts", "../api/app.ts"],
  ["collector/page/deep/planted.ts", "../../api/app.ts"],
  ["collector/page/planted.ts", "../store/series-store.ts"],
  ["collector/page/deep/planted.ts", "../../ingest/intake.ts"],
  ["collector/page/deep/planted.ts", "../../../agent/main.ts"],
  ["cli/planted.ts", "../agent/decode/planted.ts"],
  ["cli/planted.ts", "../collector/store/planted.ts"],
  ["cli/planted.ts", "../demo/main.ts"],
  ["cli/planted.ts", "../test/fixtures/planted.ts"],
  ["dashboards/build.ts", "../collector/main.ts"],
]

/** Each must pass: a border that refuses everything would be no border. */
const TAKEN: [file: string, imported: string][] = [
  ["mesh/planted.ts", "./errors.ts"],
  ["mesh/deep/planted.ts", "../errors.ts"],
  ["agent/pipeline.ts", "./decode/planted.ts"],
  ["agent/decode/planted.ts", "#mesh/errors.ts"],
  ["agent/decode/deep/planted.ts", "../planted.ts"],
  ["collector/main.ts", "./store/planted.ts"],
  ["collector/ingest/planted.ts", "../store/series-store.ts"],
  ["collector/view/planted.ts", "../store/series-store.ts"],
  ["collector/api/planted.ts", "../view/summary.ts"],
  ["collector/page/planted.ts", "../view/summary.ts"],
  ["collector/page/deep/planted.ts", "../../view/summary.ts"],
  ["collector/page/deep/planted.ts", "../words.ts"],
  ["cli/planted.ts", "../agent/main.ts"],
  ["cli/planted.ts", "../collector/main.ts"],
  ["cli/planted.ts", "../agent/config/read.ts"],
  ["cli/planted.ts", "../collector/view/routes.ts"],
  ["demo/planted.ts", "../agent/decode/planted.ts"],
  ["test/unit/planted.ts", "../../collector/store/planted.ts"],
]

const READS_FILES = 'import "node:fs"\n'
const READS_WORLD = "export const seen = [process.env, process.argv]\n"

const FINDINGS = z.object({
  diagnostics: z.array(z.object({ code: z.string().default(""), filename: z.string().default("") })),
})
const root = resolve(import.meta.dirname, "../..")
let planted: string

/** Lints the project's own rules over one file a line, in a folder of its own; the codes found, by file. */
async function findings(files: Map<string, string>): Promise<Map<string, string[]>> {
  for (const [file, text] of files) {
    await mkdir(dirname(join(planted, file)), { recursive: true })
    await writeFile(join(planted, file), text)
  }
  const oxlint = join(root, "node_modules/.bin/oxlint")
  const run = promisify(execFile)(process.execPath, [oxlint, "-f", "json"], { cwd: planted })
  const { stdout } = await run.catch((error: unknown) => z.object({ stdout: z.string() }).parse(error))
  const found = new Map<string, string[]>()
  for (const { code, filename } of FINDINGS.parse(JSON.parse(stdout)).diagnostics) {
    found.set(filename, [...(found.get(filename) ?? []), code])
  }
  return found
}

/** Each import in a file of its own: `agent/decode/planted.ts` becomes `agent/decode/planted-3.ts`. */
const plant = (rows: [string, string][], mark: string): Map<string, string> =>
  new Map(rows.map(([file, imported], i) => [numbered(file, mark, i), `import "${imported}"\n`]))
const numbered = (file: string, mark: string, i: number): string => file.replace(/\.ts$/, `-${mark}-${i}.ts`)

/** Calls of `object.method` for each method, as a test file would write them. */
const planting = (object: string, methods: string[]): string =>
  [
    `import { ${object} } from "vitest"`,
    ...methods.map((method) => `${object}.${method}("./x.ts", () => {})`),
  ].join("\n")

describe("lint", () => {
  let found: Map<string, string[]>
  beforeAll(async () => {
    planted = await mkdtemp(join(tmpdir(), "meshscope-lint-"))
    await cp(join(root, ".oxlintrc.json"), join(planted, ".oxlintrc.json"))
    found = await findings(
      new Map([
        ...plant(REFUSED, "refused"),
        ...plant(TAKEN, "taken"),
        ["test/unit/mock.test.ts", planting("vi", ["mock", "doMock"])],
        ["agent/decode/deep/files.ts", READS_FILES],
        ["agent/resolve/files.ts", READS_FILES],
        ["agent/collect/files.ts", READS_FILES],
        ["agent/decode/world.ts", READS_WORLD],
        ["collector/view/world.ts", READS_WORLD],
        ["mesh/world.ts", READS_WORLD],
        ["agent/main.ts", READS_WORLD],
        ["agent/config/world.ts", READS_WORLD],
        ["test/unit/hidden.test.ts", planting("it", ["skip", "only"])],
      ]),
    )
  })
  afterAll(() => rm(planted, { recursive: true, force: true }))

  const BORDER = "eslint(no-restricted-imports)"
  it.each(REFUSED.map(([file, imported], i) => ({ file, imported, i })))(
    "$file may not import $imported",
    ({ file, i }) => {
      expect(found.get(numbered(file, "refused", i)) ?? []).toContain(BORDER)
    },
  )
  it.each(TAKEN.map(([file, imported], i) => ({ file, imported, i })))(
    "$file may import $imported",
    ({ file, i }) => {
      expect(found.get(numbered(file, "taken", i)) ?? []).not.toContain(BORDER)
    },
  )
  it.each(["agent/decode/deep/files.ts", "agent/resolve/files.ts"])("%s may not read files", (file) =>
    expect(found.get(file)?.join(" ")).toMatch(/no-nodejs-modules/),
  )
  it("agent/collect/files.ts may", () => {
    expect(found.get("agent/collect/files.ts")?.join(" ") ?? "").not.toMatch(/no-nodejs-modules/)
  })
  it.each(["agent/decode/world.ts", "collector/view/world.ts", "mesh/world.ts"])(
    "%s may not look at the process or its environment",
    (file) => expect(found.get(file)?.join(" ")).toMatch(/no-restricted-globals/),
  )
  it.each(["agent/main.ts", "agent/config/world.ts"])("%s may", (file) => {
    expect(found.get(file)?.join(" ") ?? "").not.toMatch(/no-restricted-globals/)
  })
  it("refuses mocks of modules", () => {
    expect(
      found.get("test/unit/mock.test.ts")?.filter((code) => code.includes("no-restricted-vi-methods")),
    ).toHaveLength(2)
  })
  it("refuses tests that are skipped, or that hide the others", () => {
    expect(found.get("test/unit/hidden.test.ts")?.join(" ")).toMatch(/no-disabled-tests/)
    expect(found.get("test/unit/hidden.test.ts")?.join(" ")).toMatch(/no-focused-tests/)
  })
})
