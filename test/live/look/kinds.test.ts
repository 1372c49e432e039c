import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Browser, chromium } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import type { Agent } from "../../../agent/start.ts"
import type { Collector } from "../../../collector/start.ts"
import type { ProxiesView } from "../../../collector/view/proxies.ts"
import { component } from "../../../scripts/components/component.ts"
import { FRONT, SHOP_FILE, WEB } from "../../fixtures/istio/shop.ts"
import { frontBootstrap, PORT, serveApps, siteAt, webBootstrap } from "../istio/front-and-web.ts"
import { planOf } from "../istio/plan.ts"
import { call, type Stand, startEnvoys } from "../rig/envoys.ts"
import { startAgentHere, startCollectorHere, toCollector } from "../rig/here.ts"
import { openWatched } from "./browser.ts"
import { SOUND, soundness, textsOutside } from "./checks.ts"

/**
 * Real Envoys under Istio's names: one with its whole admin interface, one of which a page for Prometheus is all that can
 * be read, and beside them a proxy of which nothing can be asked.
 */
const ROOT = join(import.meta.dirname, "../../..")
const PICTURES = join(ROOT, "test-artefacts/look-kinds")
const SITE = siteAt("127.31.9")
const SENT = { name: "sent-1", admin: "127.31.9.30:15000", serves: { kind: "nothing" }, sent: true }

let stand: Stand
let collector: Collector
let agent: Agent
let browser: Browser

async function proxies(): Promise<ProxiesView> {
  return (await (await fetch(`${collector.url}/api/v1/proxies?window=1m`)).json()) as ProxiesView
}

const live = async (): Promise<number> =>
  (await proxies()).rows.filter(({ state }) => state === "live").length
const anyCounted = async (): Promise<boolean> =>
  (await proxies()).rows.some(({ unaccountedRatio }) => unaccountedRatio !== null)

beforeAll(async () => {
  await mkdir(PICTURES, { recursive: true })
  stand = await startEnvoys()
  await serveApps(stand, SITE)
  const front = await stand.envoy("front", frontBootstrap(SITE), `${SITE.front}:15000`)
  await stand.envoy("web", webBootstrap(SITE), `${SITE.web}:15000`)
  collector = await startCollectorHere()
  const targets = [
    { name: "istio-proxy.front-7d9c8b6f5d-2xk4m.shop", admin: `${SITE.front}:15000`, logs: [front.log] },
    {
      name: "istio-proxy.web-54b8c6d7f9-8mnpq.shop",
      admin: `${SITE.web}:15000`,
      serves: { kind: "prometheus", path: "/stats/prometheus" },
      hint: { mesh: "cluster.local", role: "sidecar", resource: WEB },
    },
    { ...SENT, labels: { container_id: "0123456789ab" }, hint: { resource: "payment", role: "sidecar" } },
  ]
  const targetsFile = join(stand.folder, "targets.yaml")
  await writeFile(targetsFile, JSON.stringify({ targets }))
  agent = await startAgentHere({
    runDir: stand.folder,
    modelFile: SHOP_FILE,
    targetsFile,
    changes: toCollector(collector),
  })
  await vi.waitUntil(async () => (await live()) === 2, { timeout: 30_000, interval: 250 })
  for (const one of planOf(3, 120, { front: `${FRONT}/v1`, web: WEB }).calls)
    await call({ host: SITE.front, port: PORT }, one)
  browser = await chromium.launch({ executablePath: await component("chromium"), args: ["--no-sandbox"] })
  await vi.waitUntil(anyCounted, { timeout: 30_000, interval: 250 })
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await agent?.stop()
  await collector?.stop()
  await stand?.stop()
})

describe.each([
  [1280, "light"],
  [1280, "dark"],
  [390, "light"],
  [390, "dark"],
] as const)("proxies of several kinds, %i px, %s", (width, colorScheme) => {
  it("are told apart on pages that are sound", async () => {
    const { page, wrongs, close } = await openWatched(browser, collector.url, { width, colorScheme })
    for (const name of ["", "routes", "proxies"]) {
      await page.goto(`/${name}?window=1m`)
      const file = `${name === "" ? "overview" : name}-${width}-${colorScheme}.png`
      await page.screenshot({ path: join(PICTURES, file), fullPage: true, caret: "initial" })
      expect({ name, ...(await soundness(page)) }).toEqual({ name, ...SOUND })
    }
    const row = async (proxy: string): Promise<string> =>
      (
        await page
          .locator("tbody tr", { has: page.locator("th", { hasText: proxy }) })
          .first()
          .innerText()
      ).replaceAll(/\s+/g, " ")
    expect(await row("front-")).toContain(`sidecar of ${FRONT}/v1`)
    expect(await row("web-")).toContain("a configuration that can be read")
    expect(await row("sent-1")).toContain("nothing can be asked of it where it runs")
    expect(wrongs).toEqual([])
    await close()
  })
})

it("keep their names within the boxes of the map", async () => {
  const { page, close } = await openWatched(browser, collector.url, { width: 1280 })
  await page.goto("/?window=1m")
  expect(await page.locator(".map .box").count()).toBeGreaterThan(10)
  expect(await textsOutside(page)).toEqual([])
  await close()
})
