import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { IN_PAGE } from "./checks.ts"

/** A page with everything that it did wrong: console errors, violations of its policy, requests to other hosts. */
export interface WatchedPage {
  readonly page: Page
  readonly wrongs: readonly string[]
  readonly close: () => Promise<void>
}

export interface LookOptions extends Pick<BrowserContextOptions, "colorScheme" | "javaScriptEnabled"> {
  readonly width: number
  /** Takes the place of the style sheet's sans-serif fonts. */
  readonly font?: string
}

const HEIGHT = 900

/** Opens a window on the collector at `url` and watches it. */
export async function openWatched(
  browser: Browser,
  url: string,
  { width, font, ...more }: LookOptions,
): Promise<WatchedPage> {
  const context = await browser.newContext({ baseURL: url, viewport: { width, height: HEIGHT }, ...more })
  const page = await context.newPage()
  await page.addInitScript({ path: IN_PAGE })
  const wrongs: string[] = []
  const { host } = new URL(url)
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") wrongs.push(message.text())
  })
  page.on("pageerror", (error) => wrongs.push(String(error)))
  page.on("request", (request) => {
    if (new URL(request.url()).host !== host) wrongs.push(`asked ${request.url()}`)
  })
  page.on("response", (response) => {
    if (response.status() >= 400) wrongs.push(`${response.status()} ${response.url()}`)
  })
  if (font !== undefined)
    await page.route("**/assets/page.css", async (route) => {
      const answer = await route.fetch()
      const css = (await answer.text()).replace(/--sans:[^;]*;/u, `--sans: "${font}";`)
      await route.fulfill({ response: answer, body: css })
    })
  return { page, wrongs, close: () => context.close() }
}
