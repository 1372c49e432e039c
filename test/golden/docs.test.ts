import { readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { madePages } from "../../scripts/docs.ts"

const pages = await madePages()

describe("pages that are made from code", () => {
  test.each(Object.keys(pages))("docs/%s is as made; else run node scripts/docs.ts", (name) => {
    expect(readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8")).toBe(pages[name])
  })

  test.each(Object.entries(pages))("%s has no broken table", (_name, text) => {
    const lines = text.split("\n")
    for (const [at, line] of lines.entries()) {
      if (!line.startsWith("|---")) continue
      const width = cells(line)
      expect(cells(lines[at - 1] ?? "")).toBe(width)
      for (let row = at + 1; lines[row]?.startsWith("|"); row += 1)
        expect(cells(lines[row] ?? "")).toBe(width)
    }
  })
})

function cells(line: string): number {
  return line.replaceAll("\\|", "").split("|").length
}
