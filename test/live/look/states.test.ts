import { mkdir } from "node:fs/promises"
import { join, relative } from "node:path"
import { type Browser, chromium } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { component } from "../../../scripts/components/component.ts"
import { EveryKind } from "../../fixtures/collector/every-kind.ts"
import { largeMesh } from "../../fixtures/collector/large-mesh.ts"
import { doubtful } from "../../fixtures/collector/page-stories.ts"
import { SmallCollector } from "../../fixtures/collector/small-collector.ts"
import { YelbStory } from "../../fixtures/collector/yelb-story.ts"
import { openWatched } from "./browser.ts"
import { columnOrder, SOUND, soundness, tabOrder, textsOutside } from "./checks.ts"
import { type Shown, show } from "./meshes.ts"

const ROOT = join(import.meta.dirname, "../../..")
const PICTURES = join(ROOT, "test-artefacts/look-states")

let browser: Browser
beforeAll(async () => {
  await mkdir(PICTURES, { recursive: true })
  browser = await chromium.launch({ executablePath: await component("chromium"), args: ["--no-sandbox"] })
})
afterAll(() => browser?.close())

const healthy = (): YelbStory =>
  new YelbStory().declare().proxies().hosts("v1", "ui", 2, 0).hosts("v2", "ui", 3, 0).minutes(6)

/** Nodes report, and nobody declared anything or called anyone. */
function nothingDeclared(): SmallCollector {
  return new YelbStory().proxies().pass(15_000).pass(15_000).collector
}

/** v2 fails; then the agent of gateway, ui and v1 falls silent. */
function agentSilent(): SmallCollector {
  const story = new YelbStory().declare().proxies().hosts("v2", "ui", 3, 0).minutes(6).minutes(6, 10)
  return story.pass(15_000, ["one"]).pass(60_000, ["one"]).collector
}

const STATES: readonly (readonly [string, () => SmallCollector, RegExp, RegExp])[] = [
  ["first run", () => new SmallCollector(), /^No agent has reported yet$/, /Point an agent here/],
  [
    "nothing declared",
    nothingDeclared,
    /^No route is known yet; 5 of 5 proxies answered\.$/,
    /No request was seen/,
  ],
  [
    "healthy",
    () => healthy().collector,
    /^5 routes, none failing; 5 of 5 proxies answered\.$/,
    /No request failed/,
  ],
  ["agent silent", agentSilent, /^1 of 5 routes failing$/, /Agent one on h-one is silent since \d\d:\d\d/],
  [
    "doubtful",
    doubtful,
    /^Requests without a known route fail$/,
    /Proxy stranger, of a node or gateway that is not known, does not answer since \d\d:\d\d: no connection/,
  ],
  [
    "every kind",
    () => new EveryKind().model().proxies().minutes(6, 6).collector,
    /^\d of \d routes? failing$/,
    /The declared model may be out of date/,
  ],
  ["large mesh", largeMesh, /^2 of 24 routes failing$/, /does not answer its own proxy in time/],
]

describe.each(STATES)("%s", (name, make, headline, sentence) => {
  let shown: Shown
  beforeAll(async () => {
    shown = await show(make())
  })
  afterAll(() => shown?.stop())

  it.each([
    [1440, "light"],
    [1280, "dark"],
    [390, "light"],
    [390, "dark"],
  ] as const)("is sound and says what is known at %i px, %s", async (width, colorScheme) => {
    const { page, wrongs, close } = await openWatched(browser, shown.url, { width, colorScheme })
    for (const path of ["/", "/routes", "/proxies"]) {
      await page.goto(path)
      const file = `${name} ${path.slice(1) || "overview"} ${width} ${colorScheme}.png`.replaceAll(" ", "-")
      await page.screenshot({ path: join(PICTURES, file), fullPage: true, caret: "initial" })
      expect({ path, ...(await soundness(page)) }).toEqual({ path, ...SOUND })
    }
    await page.goto("/")
    expect(await page.textContent("h1")).toMatch(headline)
    expect(await page.textContent("main")).toMatch(sentence)
    expect(wrongs).toEqual([])
    await close()
    process.stdout.write(`pictures: ${relative(ROOT, PICTURES)}/${name.replaceAll(" ", "-")}-*.png\n`)
  })
})

describe("an address that cannot be taken as it is", () => {
  it.each([1440, 390])("is mended by its links, one thing at a time, at %i px", async (width) => {
    const shown = await show(healthy().collector)
    const { page, wrongs, close } = await openWatched(browser, shown.url, { width })
    await page.goto("/routes?window=7m&state=fine")
    expect(await page.locator("main code").allTextContents()).toEqual(["window", "7m", "state", "fine"])
    expect(await soundness(page)).toEqual(SOUND)
    await page.getByRole("link", { name: "15m", exact: true }).click()
    await page.getByRole("link", { name: "failing", exact: true }).click()
    await page.getByRole("heading", { name: "Routes", exact: true }).waitFor()
    expect(page.url()).toContain("window=15m&state=failing")
    // The browser tells of each answer that is not well; there were two, and nothing else.
    expect(wrongs.filter((text) => !text.includes("400"))).toEqual([])
    await close()
    await shown.stop()
  })
})

describe("an agent that fell silent", () => {
  it("leaves no box without a reason, and nothing that was well is called well", async () => {
    const shown = await show(agentSilent())
    const { page, close } = await openWatched(browser, shown.url, { width: 1440 })
    await page.goto("/")
    const unknown = await page.locator(".map .box.unknown .m").allTextContents()
    expect(unknown.length).toBeGreaterThan(4)
    expect(unknown.filter((text) => !/silent since|do(?:es)? not answer/.test(text))).toEqual([])
    expect(await page.locator(".map .box.ok").count()).toBe(1)
    expect(await page.locator(".map .box.origin").getAttribute("aria-label")).toMatch(
      /virtual node v2, .*callers cannot connect, failing, the fault begins here/,
    )
    await close()
    await shown.stop()
  })
})

describe("a large mesh", () => {
  it.each(["DejaVu Sans", "DejaVu Serif"])("keeps names and numbers apart, in %s", async (font) => {
    const shown = await show(largeMesh())
    const { page, close } = await openWatched(browser, shown.url, { width: 1440, font })
    await page.goto("/")
    const columns = await columnOrder(page)
    expect(columns.length).toBe(55)
    expect(await textsOutside(page)).toEqual([])
    expect(await tabOrder(page, 160)).toEqual(columns)
    await close()
    await shown.stop()
  })
})
