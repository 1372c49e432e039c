import { readFile } from "node:fs/promises"
import { Hono } from "hono"
import { describe, expect, it } from "vitest"
import { STYLES } from "../../collector/page/assets.ts"
import { mountPages } from "../../collector/page/routes.ts"
import { storiesOfThePage } from "../fixtures/collector/page-stories.ts"
import type { SmallCollector } from "../fixtures/collector/small-collector.ts"

const file = (name: string): Promise<string> =>
  readFile(new URL(`../../collector/page/${name}`, import.meta.url), "utf8")

/** Class names of a style sheet's selectors. */
function styled(css: string): Set<string> {
  const rules = css.replaceAll(/\/\*.*?\*\//gsu, "").replaceAll(/"[^"]*"|url\([^)]*\)/gu, "")
  const selectors = [...rules.matchAll(/([^{};]+)\{/gu)].map(([, text = ""]) => text)
  return new Set(
    selectors.flatMap((text) => [...text.matchAll(/\.([a-z][\w-]*)/giu)].map(([, name = ""]) => name)),
  )
}

/** Class names that stand in a document. */
function carried(html: string): string[] {
  return [...html.matchAll(/\sclass="([^"]*)"/gu)].flatMap(([, names = ""]) =>
    names.split(" ").filter((name) => name !== ""),
  )
}

async function pagesOf(collector: SmallCollector, paths: readonly string[]): Promise<string[]> {
  const app = new Hono()
  mountPages(app, collector.answers)
  return Promise.all(paths.map(async (path) => (await app.request(path)).text()))
}

/** Every class that any page carries in any story, and those that the script gives. */
async function used(): Promise<Set<string>> {
  const names = new Set<string>()
  for (const { collector, paths } of await storiesOfThePage())
    for (const html of await pagesOf(collector, paths)) for (const name of carried(html)) names.add(name)
  const script = await file("page.js")
  for (const [, name = ""] of script.matchAll(/classList\.\w+\("([^"]+)"/gu)) names.add(name)
  return names
}

describe("classes", () => {
  it("in the style sheet are all carried by some page, and those that pages carry are all in it", async () => {
    const sheets = await Promise.all(STYLES.map((name) => file(name)))
    const inSheet = styled(sheets.join("\n"))
    const onPages = await used()
    expect([...inSheet].filter((name) => !onPages.has(name)).toSorted()).toEqual([])
    expect([...onPages].filter((name) => !inSheet.has(name)).toSorted()).toEqual([])
  })
})
