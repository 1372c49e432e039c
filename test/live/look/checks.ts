import { join } from "node:path"
import type { Page } from "playwright-core"

/** Puts the checks into every page that is opened; they are asked by `look.…()`. */
export const IN_PAGE = join(import.meta.dirname, "in-page.js")

/** Texts of map boxes that reach out of their box, or into each other. */
export const textsOutside = (page: Page): Promise<string[]> => page.evaluate("look.textsOutside()")

/** What must hold for every page in every theme and width. */
export interface Soundness {
  /** What it lacks of what everybody needs: one heading, landmarks, captions, heads of columns and rows, names. */
  readonly structure: readonly string[]
  /** Text whose colour is too near to what lies behind it (WCAG 1.4.3: 4.5 to 1), in the theme that is shown. */
  readonly faint: readonly string[]
  /** By how many px the page is wider than the screen. */
  readonly beside: number
}

export const SOUND: Soundness = { structure: [], faint: [], beside: 0 }

export const soundness = (page: Page): Promise<Soundness> => page.evaluate("look.soundness()")

/** Places (`data-place`) of boxes in the order in which Tab reaches them, from the top of the page. */
export async function tabOrder(page: Page, most: number): Promise<string[]> {
  const places: string[] = []
  for (let step = 0; step < most; step++) {
    await page.keyboard.press("Tab")
    const place = await page.evaluate<string>("document.activeElement?.dataset.place ?? ''")
    if (place !== "") places.push(place)
    else if (places.length > 0) break
  }
  return places
}

/** Boxes of the map from left to right, each column from the top. */
export function columnOrder(page: Page): Promise<string[]> {
  return page.evaluate("look.columnOrder()")
}
