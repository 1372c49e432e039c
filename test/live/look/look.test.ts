import { mkdir, rm, stat } from "node:fs/promises"
import { join, relative } from "node:path"
import { type Browser, chromium, type Locator } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { RoutesView } from "../../../collector/view/routes.ts"
import type { SummaryView } from "../../../collector/view/summary.ts"
import { applyFault } from "../../../demo/faults.ts"
import { component } from "../../../scripts/components/component.ts"
import { type Stand, startStand } from "../rig/stand.ts"
import { type LookOptions, openWatched, type WatchedPage } from "./browser.ts"
import { columnOrder, SOUND, soundness, tabOrder, textsOutside } from "./checks.ts"
import { drawnBox, drawnSymbol, pixelsOf, textColour, token } from "./drawn.ts"
import { MOST_BYTES, takePicture } from "./picture.ts"

const ROOT = join(import.meta.dirname, "../../..")
const PICTURES = join(ROOT, "test-artefacts/look")
const BROKEN = "yelb-appserver-virtual-node-v2"
const ROUTE = "route-to-yelb-appserver"
const REFRESH_MS = 5000

let stand: Stand
let browser: Browser
let load: Promise<void>
const end = new AbortController()
let routePath = ""

const open = (options: LookOptions): Promise<WatchedPage> =>
  openWatched(browser, stand.collector.url, options)

/** Asks until the answer is as wished; the load goes on meanwhile. */
async function until<T>(path: string, wished: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await stand.ask<T>(path)
    if (wished(answer)) return answer
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

/** A real mesh with everyday traffic, one of whose applications has just died, and a real browser. */
beforeAll(async () => {
  await rm(PICTURES, { recursive: true, force: true })
  await mkdir(PICTURES, { recursive: true })
  stand = await startStand({ logs: { "*": "json" }, seed: 11, mix: "everyday", rate: 50 })
  load = stand.stage.run(Number.MAX_SAFE_INTEGER, end.signal)
  browser = await chromium.launch({ executablePath: await component("chromium"), args: ["--no-sandbox"] })
  await until<RoutesView>("/routes", ({ rows }) =>
    rows.some((row) => row.name === ROUTE && row.numbers.ok > 50),
  )
  await applyFault(stand.stage.fleet.mesh(), stand.stage, `kill-app ${BROKEN}`)
  const failing = await until<SummaryView>(
    "/summary?window=1m",
    ({ origins, worst }) =>
      origins.some(({ virtualNode, routes }) => virtualNode === BROKEN && routes.length > 4) &&
      worst.some(({ name, health }) => name === ROUTE && health === "failing"),
  )
  const id = failing.worst.find(({ name }) => name === ROUTE)?.id ?? ""
  routePath = `/routes/${encodeURIComponent(id)}`
})

afterAll(async () => {
  end.abort()
  await browser?.close()
  await load
  await stand?.stop()
})

const pages = (): readonly (readonly [string, string])[] => [
  ["overview", "/?window=1m"],
  ["routes", "/routes?window=1m"],
  ["route", `${routePath}?window=1m`],
  ["proxies", "/proxies?window=1m"],
]

describe.each([
  [1440, "light"],
  [1440, "dark"],
  [390, "light"],
  [390, "dark"],
] as const)("a person's look, %i px, %s", (width, colorScheme) => {
  it("finds every page sound: nothing wrong, nothing beside the screen, nothing faint", async () => {
    const { page, wrongs, close } = await open({ width, colorScheme })
    for (const [name, path] of pages()) {
      await page.goto(path)
      const picture = join(PICTURES, `${name}-${width}-${colorScheme}.png`)
      await page.screenshot({ path: picture, fullPage: true, caret: "initial" })
      expect({ name, ...(await soundness(page)) }).toEqual({ name, ...SOUND })
    }
    expect(wrongs).toEqual([])
    await close()
    process.stdout.write(`pictures: ${relative(ROOT, PICTURES)}/*-${width}-${colorScheme}.png\n`)
  })
})

it("has a picture for the README that is small enough to load at a first look", async () => {
  const file = join(PICTURES, "readme.png")
  await takePicture(browser, stand.collector.url, file)
  expect((await stat(file)).size).toBeLessThan(MOST_BYTES)
})

describe("the broken route", () => {
  let watched: WatchedPage
  beforeAll(async () => {
    watched = await open({ width: 1440 })
    await watched.page.goto("/?window=1m")
  })
  afterAll(() => watched.close())

  it("is in the headline, with the place where it begins and what fails with it", async () => {
    const { page } = watched
    expect(await page.textContent("h1")).toMatch(/^\d+ of 10 routes failing$/)
    const cause = (await page.textContent(".cause"))?.replaceAll(/\s+/g, " ") ?? ""
    expect(cause).toMatch(
      new RegExp(
        `^(Nothing answers|Applications) behind ${BROKEN}'s own proxy.* since \\d\\d:\\d\\d \\(\\d+ min\\)`,
      ),
    )
    expect(cause).toContain("mostly UF (the upstream connection failed)")
    expect(cause).toMatch(new RegExp(`there: [^.]*${ROUTE}`))
    expect(cause).toMatch(/The same requests, seen one hop earlier: yelbapp-gatewayroute_yelb\./)
    expect(cause).toMatch(
      /Through yelb-ui-virtual-node, whose own calls fail there: .*yelbui-gatewayroute_yelb/,
    )
  })

  it("is seen without a number: shape, word, double edge, and the heaviest box where it begins", async () => {
    const { page } = watched
    const box = page.locator(".map .box", { has: page.locator(`title:text-is("${ROUTE}")`) })
    expect(await box.getAttribute("class")).toContain("failing")
    expect(await box.locator("use").getAttribute("href")).toBe("#i-failing")
    expect(await box.getAttribute("aria-label")).toMatch(/^route route-to-yelb-appserver, .*, failing$/)
    const place = await box.getAttribute("data-place")
    const into = page.locator(`.map [data-ends$=" ${place}"]`)
    expect(await into.locator(".edge.failing").count()).toBe(1)
    expect(await into.locator(".edge.core").count()).toBe(1)
    const heavy = page.locator(".map .box.origin.failing")
    expect(await heavy.count()).toBe(1)
    expect(await heavy.getAttribute("aria-label")).toMatch(
      new RegExp(`^virtual node ${BROKEN}, .*, failing, the fault begins here$`),
    )
    const row = page.locator("table.routes tr", { hasText: ROUTE }).first()
    expect(await row.locator(".state.failing").first().textContent()).toBe("failing")
    expect(await row.locator("use").first().getAttribute("href")).toBe("#i-failing")
  })

  it("leads to its cause: the target's own proxy, with counts and what would refute it", async () => {
    const { page, wrongs } = watched
    await page.getByRole("link", { name: ROUTE, exact: true }).last().click()
    await page.waitForURL("**/routes/*")
    expect(await page.textContent("h1")).toBe(ROUTE)
    const known = await page.locator(".know li").allTextContents()
    expect(known[0]).toMatch(new RegExp(`behind ${BROKEN}'s own proxy.* errors itself in [\\d,]+ requests`))
    expect(known[0]).toMatch(/Its connections to the application failed: [\d,]+ refused\./)
    expect(await page.textContent(".know")).toContain("What would refute it")
    expect(await page.textContent("main")).toContain("Nothing is known of the hour before this window")
    expect(await page.textContent(".chart")).toContain("nothing known before")
    expect(wrongs).toEqual([])
  })

  it("is found from its node: the box leads to the routes that lead there", async () => {
    const { page } = watched
    await page.goto(`/routes?target=${BROKEN}`)
    const names = await page.locator("tbody tr:not(.group) th a").allTextContents()
    expect(names.toSorted()).toEqual(["canary", "getvotes", "hostname", ROUTE])
  })
})

describe.each(["light", "dark"] as const)("failing and ok, as drawn in the %s theme", (colorScheme) => {
  let watched: WatchedPage
  let failing: Locator
  let ok: Locator
  beforeAll(async () => {
    watched = await open({ width: 1440, colorScheme })
    const { page } = watched
    await page.goto("/?window=1m")
    // As it is now: a page that renews itself would change under the hand.
    await page.getByRole("button", { name: "Live" }).click()
    failing = page.locator(".map .box.failing", { has: page.locator(`title:text-is("${ROUTE}")`) })
    ok = page.locator(".map .box.ok").first()
  })
  afterAll(() => watched.close())

  it("differ in the colours of box and number, each that of its state", async () => {
    const { page } = watched
    const names = ["failing", "failing-ink", "failing-wash", "ok", "line-2", "surface", "ink-2"] as const
    const colours = await Promise.all(names.map((name) => token(page, name)))
    expect(new Set(colours).size).toBe(names.length)
    const [mark, ink, wash, okMark, line, surface, soft] = colours
    expect(await drawnBox(failing)).toEqual({ edge: mark, ground: wash, number: ink, mark })
    expect(await drawnBox(ok)).toEqual({ edge: line, ground: surface, number: soft, mark: okMark })
  })

  it("differ in their symbols, each of which is a shape that is seen", async () => {
    const [broken, well] = [await drawnSymbol(failing.locator("use")), await drawnSymbol(ok.locator("use"))]
    expect(broken.shape).not.toBe(well.shape)
    for (const { shape, area } of [broken, well]) {
      expect(shape).not.toBe("")
      expect(area).toBeGreaterThan(80)
    }
  })

  it("differ in the pixels of a picture: only the failing box has its colour, only the other one that of ok", async () => {
    const { page } = watched
    const [mark, okMark] = [await token(page, "failing"), await token(page, "ok")]
    expect(await pixelsOf(page, failing, mark)).toBeGreaterThan(20)
    expect(await pixelsOf(page, failing, okMark)).toBe(0)
    expect(await pixelsOf(page, ok, okMark)).toBeGreaterThan(20)
    expect(await pixelsOf(page, ok, mark)).toBe(0)
  })

  it("differ in the colours of badges and numbers of the table", async () => {
    const { page } = watched
    const names = ["failing", "failing-ink", "ok", "ink-2"] as const
    const [mark, ink, okMark, soft] = await Promise.all(names.map((name) => token(page, name)))
    await page.goto("/routes?window=1m")
    const badge = page.locator("table.routes .state.failing").first()
    const okBadge = page.locator("table.routes .state.ok").first()
    expect([await textColour(badge), await textColour(badge.locator("use"))]).toEqual([ink, mark])
    expect([await textColour(okBadge), await textColour(okBadge.locator("use"))]).toEqual([soft, okMark])
    expect(await textColour(page.locator("table.routes td.hot").first())).toBe(ink)
  })
})

describe("the map", () => {
  it.each(["DejaVu Sans", "DejaVu Serif"])("keeps every text in its box with %s", async (font) => {
    const { page, close } = await open({ width: 1440, font })
    await page.goto("/?window=1m")
    const shown = await page.evaluate<string>("getComputedStyle(document.body).fontFamily")
    expect(shown).toContain(font)
    expect(await page.locator(".map .box").count()).toBeGreaterThan(15)
    expect(await textsOutside(page)).toEqual([])
    await close()
  })

  it("is reached by keyboard, box by box, in the order of columns", async () => {
    const { page, close } = await open({ width: 1440 })
    await page.goto("/?window=1m")
    const columns = await columnOrder(page)
    expect(columns.length).toBeGreaterThan(15)
    expect(await tabOrder(page, 120)).toEqual(columns)
    await close()
  })

  it("shows the paths through a box, and is a table at the press of a key", async () => {
    const { page, wrongs, close } = await open({ width: 1440 })
    await page.goto("/?window=1m")
    await page.locator(".map .box.origin.failing").focus()
    expect(await page.locator(".map .box.dim").count()).toBeGreaterThan(0)
    expect(await page.locator(`.map .box:not(.dim) title:text-is("${ROUTE}")`).count()).toBe(1)
    await page.locator("#as-map").focus()
    expect(await page.locator(".map .dim").count()).toBe(0)
    await page.keyboard.press("ArrowRight")
    expect(await page.locator(".map").isVisible()).toBe(false)
    expect(await page.locator(".map-list").isVisible()).toBe(true)
    expect(wrongs).toEqual([])
    await close()
  })
})

describe("live and not", () => {
  it("renews itself and leaves focus, opened parts and the chosen view as they are", async () => {
    const { page, wrongs, close } = await open({ width: 1440 })
    await page.goto("/?window=1m")
    await page.locator("#as-table").check()
    await page.locator("#connections summary").click()
    const link = page.locator("table.routes a", { hasText: ROUTE }).first()
    await link.focus()
    const before = await page.textContent(".strip")
    await page.evaluate("document.querySelector('main').firstElementChild.dataset.old = ''")
    await page.locator("[data-old]").waitFor({ state: "detached", timeout: 3 * REFRESH_MS })
    expect(await page.textContent(".strip")).not.toBe(before)
    expect(await page.evaluate<string>("document.activeElement.textContent")).toBe(ROUTE)
    expect(await page.locator("#as-table").isChecked()).toBe(true)
    expect(await page.locator("#connections").getAttribute("open")).toBe("")
    expect(wrongs).toEqual([])
    await close()
  })

  it("works without script: links sort and filter, forms ask, and what needs script is not there", async () => {
    const { page, wrongs, close } = await open({ width: 1440, javaScriptEnabled: false })
    await page.goto("/")
    expect(await page.getByRole("button", { name: "Live" }).count()).toBe(0)
    await page.locator("label", { hasText: "Table" }).click()
    await page.locator(".map-list").waitFor()
    await page.goto("/routes?window=1m")
    await page.getByRole("link", { name: "Errors %" }).click()
    expect(await page.locator("th[aria-sort=descending]").textContent()).toBe("Errors %")
    const errors = await page.locator("tbody tr:not(.group) td:nth-child(5)").allTextContents()
    const known = errors.filter((text) => text !== "–").map(Number)
    expect(known).toEqual(known.toSorted((a, b) => b - a))
    await page.locator(".filters .tally a", { hasText: "failing" }).click()
    const states = await page.locator("tbody tr:not(.group) td:first-child").allTextContents()
    expect(new Set(states)).toEqual(new Set(["failing"]))
    await page.locator("#q").fill("canary")
    await page.getByRole("button", { name: "Filter" }).click()
    expect(await page.locator("tbody tr:not(.group) th").allTextContents()).toEqual(["failingcanary"])
    await page.getByRole("link", { name: "15 min" }).click()
    expect(page.url()).toContain("window=15m")
    expect(wrongs).toEqual([])
    await close()
  })
})

describe("a proxy that dies", () => {
  const DEAD = "yelb-db-virtual-node-0"
  it("is on the overview and among the proxies, with the reason and since when", async () => {
    stand.stage.fleet.kill(DEAD, "SIGKILL")
    await until<SummaryView>("/summary", ({ unanswered }) => unanswered.some(({ proxy }) => proxy === DEAD))
    const { page, wrongs, close } = await open({ width: 1440 })
    await page.goto("/?window=1m")
    expect(await page.textContent("[aria-label='Proxies that do not answer']")).toMatch(
      new RegExp(`Proxy ${DEAD} of yelb-db-virtual-node does not answer since \\d\\d:\\d\\d: no connection`),
    )
    await page.getByRole("link", { name: DEAD }).click()
    await page.getByRole("heading", { name: "Proxies", exact: true }).waitFor()
    const row = await page.locator("tr", { hasText: DEAD }).first().textContent()
    expect(row).toMatch(
      /^down since \d\d:\d\d.*sidecar of yelb-db-virtual-node.*no connection to its admin interface/,
    )
    expect(await soundness(page)).toEqual(SOUND)
    expect(wrongs).toEqual([])
    await close()
  })
})
