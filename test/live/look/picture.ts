import type { Browser } from "playwright-core"
import { openWatched } from "./browser.ts"

/** More than this is too much to load for a first look at the README. */
export const MOST_BYTES = 200 * 1024
const WIDTH = 1200

/** Takes the README's picture: the overview of the collector at `url`, light, down to the first two rows of its table. */
export async function takePicture(browser: Browser, url: string, file: string): Promise<void> {
  const { page, close } = await openWatched(browser, url, { width: WIDTH, colorScheme: "light" })
  await page.goto("/")
  const last = page.locator("table.routes tbody tr").nth(1)
  const { y = 0, height = 0 } = (await last.boundingBox()) ?? {}
  const clip = { x: 0, y: 0, width: WIDTH, height: Math.ceil(y + height) }
  await page.screenshot({ path: file, fullPage: true, clip })
  await close()
}

// By hand, to renew it: see docs/architecture.md, Tests.
if (import.meta.main) {
  const { chromium } = await import("playwright-core")
  const { component } = await import("../../../scripts/components/component.ts")
  const [url = "http://127.0.0.1:4318", file = "docs/overview.png"] = process.argv.slice(2)
  const browser = await chromium.launch({
    executablePath: await component("chromium"),
    args: ["--no-sandbox"],
  })
  await takePicture(browser, url, file)
  await browser.close()
}
