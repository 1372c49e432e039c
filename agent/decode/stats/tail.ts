import { type PageFormat, TAIL, valueStart } from "./line-value.ts"

/** Whether nothing but the page's known end follows from `rest` on: its last byte, or a raw page's histograms. */
export function knownTail(format: PageFormat, page: Buffer, rest: number): boolean {
  if (rest === page.length) return true
  const end = page.indexOf(10, rest)
  return end >= 0 && valueStart(format, page, rest, end) === TAIL
}
