import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { promisify } from "node:util"
import { describe, expect, it } from "vitest"
import { component } from "../../scripts/components/component.ts"

const run = promisify(execFile)

describe("the peers that are built from source", () => {
  it.each(["prometheus-3.15", "promtool-3.15"] as const)(
    "%s runs, in the version that was asked for",
    async (name) => {
      const { stdout } = await run(await component(name), ["--version"])
      expect(stdout).toContain("version 3.15.0")
    },
  )
  it("otelcol has the parts that its manifest names", async () => {
    const manifest = resolve(import.meta.dirname, "../../scripts/components/otelcol.yaml")
    const wanted = (await readFile(manifest, "utf8")).match(/(?<=gomod: ).*/g) ?? []
    const { stdout } = await run(await component("otelcol"), ["components"])
    const built = stdout.match(/(?<=module: ).*/g) ?? []
    expect(built).toEqual(expect.arrayContaining(wanted))
  })
})
