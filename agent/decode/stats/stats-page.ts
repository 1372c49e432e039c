import { MeshscopeError } from "#mesh/errors.ts"
import { NO_VALUE, type PageFormat, valueStart } from "./line-value.ts"

const NEWLINE = 10
const HASH = 35
/** `<`, `{`, `[`: what HTML and JSON begin with, and no series does. */
const MARKUP: ReadonlySet<number> = new Set([60, 123, 91])

/**
 * Refuses what a login page, an error page or an empty answer would be: read as stats, it would say that every series
 * is gone, and the next true page would count them all again. Looks at the first line alone.
 * @throws MeshscopeError ADMIN_BAD_ANSWER
 */
export function assertStatsPage(format: PageFormat, page: Buffer): void {
  let at = 0
  while (at < page.length) {
    const found = page.indexOf(NEWLINE, at)
    const end = found < 0 ? page.length : found
    if (end > at && !(format === "prometheus" && page[at] === HASH)) {
      const markup = MARKUP.has(page[at] ?? 0)
      if (found >= 0 && !markup && valueStart(format, page, at, end) !== NO_VALUE) return
      break
    }
    at = end + 1
  }
  throw new MeshscopeError(
    "ADMIN_BAD_ANSWER",
    "The admin interface answers something that is no page of stats.",
  )
}
