import type { Layout } from "./layout.ts"
import { type PageFormat, valueAt } from "./line-value.ts"
import { sameBytes, viewOf } from "./same-bytes.ts"
import { roomForChanges, type Walk } from "./walk.ts"

/**
 * The last page of one proxy, kept while it is nearly idle: then its next page is mostly the same bytes, and whole
 * blocks of lines are passed over by one native compare each. Costs the page's size, so there is a budget.
 */
export interface OwnPage {
  readonly format: PageFormat
  readonly text: Buffer
  textBytes: number
  readonly starts: Int32Array
  readonly ends: Int32Array
}

/** Bytes that may be kept over all proxies. */
export interface OwnPageBudget {
  readonly maxBytes: number
  bytes: number
}

/**
 * Up to how many changes a proxy counts as idle: fewer than one in two blocks of lines. With more, or on a small page,
 * walking the shared layout is as fast.
 */
export function fewChanges(lines: number): number {
  return lines >>> 7
}
/** Lines per native compare. A block is walked whole before the number of changes is looked at. */
const BLOCK = 64
const NEWLINE = 10

/** @returns undefined when the budget is used up */
export function keepOwnPage(layout: Layout, page: Buffer, budget: OwnPageBudget): OwnPage | undefined {
  const textBytes = layout.nextEnds[layout.lines - 1] ?? 0
  const room = textBytes + 256
  if (budget.bytes + room > budget.maxBytes || layout.lines === 0) return undefined
  budget.bytes += room
  const text = Buffer.allocUnsafeSlow(room)
  page.copy(text, 0, 0, textBytes)
  return {
    format: layout.format,
    text,
    textBytes,
    starts: layout.nextStarts.slice(),
    ends: layout.nextEnds.slice(),
  }
}

export function dropOwnPage(own: OwnPage, budget: OwnPageBudget): void {
  budget.bytes -= own.text.length
}

/**
 * Reads a page against the proxy's own last one. On success `own` is that page, and `walk` holds the changes.
 * @returns false at any surprise (names differ, too much changed, no room): then `own` is worthless and must be dropped
 */
export function walkOwnPage(own: OwnPage, page: Buffer, walk: Walk): boolean {
  const { text, starts, ends } = own
  const lines = starts.length
  const few = fewChanges(lines)
  const pageView = viewOf(page)
  const textView = viewOf(text)
  let shift = 0
  let moved = false
  walk.changedCount = 0
  roomForChanges(walk, few + BLOCK)
  for (let first = 0; first < lines; first += BLOCK) {
    const last = Math.min(first + BLOCK, lines)
    // Positions before `first` are those of the new page already; the block's own are still the old ones.
    const from = first === 0 ? 0 : (ends[first - 1] ?? 0) - shift
    const to = ends[last - 1] ?? 0
    if (to + shift <= page.length && page.compare(text, from, to, from + shift, to + shift) === 0) {
      if (shift !== 0) shiftLines(own, first, last, shift)
      continue
    }
    const before = shift
    shift = walkBlock(own, page, pageView, textView, first, last, shift, walk)
    if (Number.isNaN(shift) || walk.changedCount > few) return false
    moved ||= shift !== before
  }
  const textBytes = own.textBytes + shift
  if (textBytes >= page.length || page[textBytes] !== NEWLINE || textBytes > text.length) return false
  if (walk.changedCount > 0 || moved) page.copy(text, 0, 0, textBytes)
  own.textBytes = textBytes
  return true
}

function shiftLines(own: OwnPage, first: number, last: number, shift: number): void {
  for (let line = first; line < last; line++) {
    own.starts[line] = (own.starts[line] ?? 0) + shift
    own.ends[line] = (own.ends[line] ?? 0) + shift
  }
}

/** Line by line. @returns the shift behind the block, NaN when a name differs */
function walkBlock(
  own: OwnPage,
  page: Buffer,
  pageView: DataView,
  textView: DataView,
  first: number,
  last: number,
  shift: number,
  walk: Walk,
): number {
  const { text, starts, ends } = own
  let ahead = shift
  let from = first === 0 ? 0 : (ends[first - 1] ?? 0) - shift
  for (let line = first; line < last; line++) {
    const start = starts[line] ?? 0
    const stop = ends[line] ?? 0
    const at = start + ahead
    if (at >= page.length) return Number.NaN
    if (!sameBytes(page, pageView, from + ahead, text, textView, from, start - from)) return Number.NaN
    let end = at
    let same = true
    for (; end < page.length && page[end] !== NEWLINE; end++)
      if (page[end] !== text[start + end - at]) same = false
    if (end === page.length) return Number.NaN
    if (!same || end - at !== stop - start) {
      const value = valueAt(own.format, page, at, end)
      if (value === undefined) return Number.NaN
      walk.changedLines[walk.changedCount] = line
      walk.changedValues[walk.changedCount++] = value
    }
    starts[line] = at
    ends[line] = end
    from = stop
    ahead = end - stop
  }
  return ahead
}
