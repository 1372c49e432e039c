import type { Layout } from "./layout.ts"
import { type LineList, makeLineList } from "./line-list.ts"
import { valueAt } from "./line-value.ts"
import { appendRest, resync } from "./resync.ts"
import { sameBytes, viewOf } from "./same-bytes.ts"
import { knownTail } from "./tail.ts"

/** What a walk over a page found. One object, used again from page to page. */
export interface Walk {
  /** Lines of the layout whose value differs from the proxy's last one, in order, and the new values. */
  changedLines: Int32Array
  changedValues: Float64Array
  changedCount: number
  /** How many values have another width than in the layout. The page's positions stand in `nextStarts`, `nextEnds`. */
  widened: number
  /** Lines of the page that the layout lacks, and before which of its lines each stands. */
  readonly inserted: LineList
  insertedBefore: Int32Array
  /** Lines of the layout that the page lacks, in order. */
  deleted: Int32Array
  deletedCount: number
  /** Proven up to here: byte of the layout's text, and by how much the page is ahead. */
  proven: number
  shift: number
}

export function makeWalk(): Walk {
  return {
    changedLines: new Int32Array(4096),
    changedValues: new Float64Array(4096),
    changedCount: 0,
    widened: 0,
    inserted: makeLineList(256),
    insertedBefore: new Int32Array(256),
    deleted: new Int32Array(256),
    deletedCount: 0,
    proven: 0,
    shift: 0,
  }
}

const NEWLINE = 10
/** A value longer than this is looked at as something else. */
const MAX_VALUE_BYTES = 4096

/**
 * Reads the values of a page at the places where the layout has them, and proves that all else is equal: each value's
 * bytes are written into the layout's text, so that whole stretches, names and numbers alike, are compared by one
 * native call wherever a width changes and at the end. Where names differ, `resync` finds the inserted and deleted
 * lines and the walk goes on behind them.
 *
 * Nothing that others see is changed but value bytes in `layout.text`, which every later walk overwrites.
 * @param values the proxy's last values by line
 * @param mine whether the layout's text is the last page of the same proxy: then a value whose bytes are the same is
 *   the same, and need not be read
 * @returns false when the page is too different: then it must be parsed in full
 */
export function walkPage(
  layout: Layout,
  page: Buffer,
  values: Float64Array,
  walk: Walk,
  mine = false,
): boolean {
  begin(layout, walk)
  layout.textOf = undefined
  const { lines, text, starts, ends, nextStarts, nextEnds } = layout
  const { changedLines, changedValues } = walk
  const bytes = page.length
  const pageView = viewOf(page)
  const textView = viewOf(text)
  const lastWord = layout.textBytes - 8
  let shift = 0
  let proven = 0
  let changed = 0
  let widened = 0
  // From this line on the text is still the last page. Lines that were read before names turned out to differ are read
  // again, and by then hold what stood in their place on this page.
  let untouched = mine ? 0 : lines
  for (let line = 0; line <= lines; line++) {
    if (line === lines) {
      // Everything since the last proof, up to the end of the last value.
      const stop = layout.textBytes
      const equal =
        proven === stop ||
        stop + shift > bytes ||
        page.compare(text, proven, stop, proven + shift, stop + shift) === 0
      if (stop + shift <= bytes && equal) break
      walk.changedCount = changed
      walk.proven = proven
      walk.shift = shift
      untouched = lines
      line = resync(layout, page, lines, walk)
      if (line < 0) return false
      changed = walk.changedCount
      proven = walk.proven
      shift = walk.shift
      line--
      continue
    }
    const from = starts[line] ?? 0
    const width = (ends[line] ?? 0) - from
    const at = from + shift
    let end = at + width
    // Value and newline within eight bytes that are the same (neither zeros nor NaN): nothing to read.
    if (line >= untouched && width < 8 && from < lastWord && at <= bytes - 8) {
      const word = pageView.getFloat64(at, true)
      if (word === textView.getFloat64(from, true) && word !== 0) {
        nextStarts[line] = at
        nextEnds[line] = end
        continue
      }
    }
    let value = 0
    let plain = width <= 15
    let offset = width + 1
    if (end < bytes) {
      for (offset = 0; offset < width; offset++) {
        const byte = page[at + offset] ?? 0
        if (byte === NEWLINE) break
        text[from + offset] = byte
        const digit = byte - 48
        if (digit >>> 0 > 9) plain = false
        value = value * 10 + digit
      }
    }
    const fits =
      offset === width &&
      page[end] === NEWLINE &&
      (plain || valueAt(layout.format, page, at, end) !== undefined)
    if (!fits) {
      if (at > bytes || !sameBytes(page, pageView, proven + shift, text, textView, proven, from - proven)) {
        walk.changedCount = changed
        walk.proven = proven
        walk.shift = shift
        untouched = Math.max(untouched, line + 1)
        line = resync(layout, page, line, walk)
        if (line < 0) return false
        changed = walk.changedCount
        proven = walk.proven
        shift = walk.shift
        line--
        continue
      }
      value = 0
      plain = true
      for (end = at; end < bytes; end++) {
        const byte = page[end] ?? 0
        if (byte === NEWLINE) break
        const digit = byte - 48
        if (digit >>> 0 > 9) plain = false
        value = value * 10 + digit
      }
      if (end === bytes || end === at || end - at > MAX_VALUE_BYTES) return false
      if (end - at > 15) plain = false
      proven = from + width
      shift = end - proven
      widened++
    }
    nextStarts[line] = at
    nextEnds[line] = end
    if (!plain) {
      const odd = valueAt(layout.format, page, at, end)
      if (odd === undefined) return false
      if (Number.isNaN(odd) && Number.isNaN(values[line])) continue
      value = odd
    }
    if (value !== values[line]) {
      changedLines[changed] = line
      changedValues[changed++] = value
    }
  }
  walk.changedCount = changed
  walk.shift = shift
  walk.widened = widened
  return finish(layout, page, walk)
}

function begin(layout: Layout, walk: Walk): void {
  walk.inserted.count = 0
  walk.deletedCount = 0
  roomForChanges(walk, layout.lines)
}

export function roomForChanges(walk: Walk, changes: number): void {
  if (walk.changedLines.length < changes) walk.changedLines = new Int32Array(changes * 2)
  if (walk.changedValues.length < changes) walk.changedValues = new Float64Array(changes * 2)
}

/** What follows the last value: nothing, or the tail of a raw page, or lines that are new. */
function finish(layout: Layout, page: Buffer, walk: Walk): boolean {
  const rest = layout.lines === 0 ? 0 : layout.textBytes + walk.shift + 1
  if (rest > page.length) return false
  if (knownTail(layout.format, page, rest)) return true
  return appendRest(layout, page, rest, walk)
}
