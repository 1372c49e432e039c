import type { Locator, Page } from "playwright-core"

/** How a box of the map is drawn, as the browser computed it. Colours are CSS texts such as `rgb(213, 94, 0)`. */
export interface DrawnBox {
  readonly edge: string
  readonly ground: string
  readonly number: string
  /** Of its symbol. */
  readonly mark: string
}

/** The symbol that a `use` element draws: its markup, and the area of what is drawn in px². */
export interface DrawnSymbol {
  readonly shape: string
  readonly area: number
}

/** In the page: see in-page.js. */
declare const look: {
  readonly drawnBox: (box: unknown) => DrawnBox
  readonly drawnSymbol: (use: unknown) => DrawnSymbol
  readonly textColour: (element: unknown) => string
  readonly token: (name: string) => string
  readonly pixelsOf: (asked: { readonly picture: string; readonly colour: string }) => Promise<number>
}

export const drawnBox = (box: Locator): Promise<DrawnBox> => box.evaluate((element) => look.drawnBox(element))

export const drawnSymbol = (use: Locator): Promise<DrawnSymbol> =>
  use.evaluate((element) => look.drawnSymbol(element))

export const textColour = (text: Locator): Promise<string> =>
  text.evaluate((element) => look.textColour(element))

/** What a colour token such as `failing` is in the theme that is shown. */
export const token = (page: Page, name: string): Promise<string> =>
  page.evaluate((asked) => look.token(asked), name)

/** Within its frame: edges of the map end at it, in colours of their own. */
const INSET_PX = 4

/** Pixels of `colour` that are seen inside `element`, in a picture of it. */
export async function pixelsOf(page: Page, element: Locator, colour: string): Promise<number> {
  await element.scrollIntoViewIfNeeded()
  const at = await element.boundingBox()
  if (at === null) throw new Error("nothing is drawn")
  const [x, y] = [at.x + INSET_PX, at.y + INSET_PX]
  const clip = { x, y, width: at.width - 2 * INSET_PX, height: at.height - 2 * INSET_PX }
  const picture = (await page.screenshot({ clip })).toString("base64")
  return page.evaluate((asked) => look.pixelsOf(asked), { picture, colour })
}
