import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { describe, expect, it } from "vitest"
import { differences, drawnPicture, importPicture, specifiers } from "../../scripts/import-picture.ts"

const root = resolve(import.meta.dirname, "../..")

describe("docs/architecture.md", () => {
  it("draws what the code imports, no more and no less (`npm run docs` draws it anew)", async () => {
    const page = await readFile(join(root, "docs/architecture.md"), "utf8")
    expect(differences(importPicture(root), drawnPicture(page))).toEqual([])
  })
})

describe("the picture", () => {
  it("sees every way to import", () => {
    const text = `
import { a } from "./a.ts"
import type {
  B,
} from "./b.ts"
import "./c.ts"
export { d } from "./d.ts"
export * from "./e.ts"
// import { no } from "./comment.ts"
const f = await import("./f.ts")
new Worker(new URL("./g.ts", import.meta.url))
const icon = new URL("./icon.svg", import.meta.url)
`
    expect(specifiers(text).toSorted()).toEqual("abcdefg".split("").map((name) => `./${name}.ts`))
  })

  it("tells both ways what to change", async () => {
    const checkout = await mkdtemp(join(tmpdir(), "meshscope-picture-"))
    const files = {
      "mesh/errors.ts": "export {}",
      "agent/decode/stats/page.ts": `import "#mesh/errors.ts"\nimport "../other.ts"\nimport "../../resolve/names.ts"`,
      "agent/resolve/names.ts": `import "zod"`,
      "agent/main.ts": `import "./decode/stats/page.ts"`,
      "collector/view/summary.ts": "",
    }
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(checkout, file)), { recursive: true })
      await writeFile(join(checkout, file), text)
    }
    const page =
      "# Story\n```imports\nmesh ->\nagent -> agent/decode\nagent/decode -> mesh\nagent/resolve -> mesh\ncli -> mesh\n```\n"
    expect(differences(importPicture(checkout), drawnPicture(page))).toEqual([
      "agent/decode imports agent/resolve (agent/decode/stats/page.ts: ../../resolve/names.ts): remove the import, or add it to the picture",
      'collector/view is not in the picture: add the line "collector/view       ->"',
      "the picture says that agent/resolve imports mesh, and no file does: remove mesh from the line",
      "the picture has cli, and no such folder has code: remove the line",
    ])
    await rm(checkout, { recursive: true })
  })

  it("must be there", () => {
    expect(() => drawnPicture("no block")).toThrow("```imports")
  })
})
