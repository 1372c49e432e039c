import { readLines } from "./full-parse.ts"
import { keyStart, type Layout } from "./layout.ts"
import type { Walk } from "./walk.ts"

/** Past this many edits of a page (a share of its lines at least), a full parse is cheaper and surer. */
const MAX_EDITS = 64
/** How far ahead the other side's next name is looked for, bytes. */
const REACH = 256 * 1024

/**
 * Somewhere after `walk.proven` and before the value of `line`, the names of page and layout part. Finds the place,
 * notes the lines that were inserted or deleted there, and sets `walk` so that the walk can go on.
 *
 * Envoy sorts its pages, but the two formats by different rules, so that neither is relied on: the next known name is
 * searched in the page, and the page's next name in the layout; the nearer one tells what happened.
 * @returns the line of the layout to go on with (`layout.lines` at its end), or -1 to give up
 */
export function resync(layout: Layout, page: Buffer, line: number, walk: Walk): number {
  const first = firstDifferent(layout, page, line, walk)
  dropChangesFrom(walk, first)
  const floor = first === 0 ? 0 : (layout.ends[first - 1] ?? 0) + walk.shift + 1
  if (floor > page.length) return -1
  return pair(layout, page, first, floor, walk)
}

/** The first line at or after the proven point whose name is not where it should be: by halving, natively compared. */
function firstDifferent(layout: Layout, page: Buffer, line: number, walk: Walk): number {
  const { starts, text } = layout
  const { proven, shift } = walk
  let low = lineAfter(layout, proven, line)
  let high = Math.min(line, layout.lines)
  while (low < high) {
    const middle = (low + high) >>> 1
    const stop = starts[middle] ?? layout.textBytes
    const equal =
      stop + shift <= page.length && page.compare(text, proven, stop, proven + shift, stop + shift) === 0
    if (equal) low = middle + 1
    else high = middle
  }
  // Lines whose own name is equal may still have lost the newline behind their value; the next name shows that.
  return low
}

/** First line whose value begins at or after `byte`. */
function lineAfter(layout: Layout, byte: number, upTo: number): number {
  let low = 0
  let high = Math.min(upTo, layout.lines)
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((layout.starts[middle] ?? 0) < byte) low = middle + 1
    else high = middle
  }
  return low
}

/** Changes that were read beyond the first difference were read from the wrong places. */
function dropChangesFrom(walk: Walk, line: number): void {
  while (walk.changedCount > 0 && (walk.changedLines[walk.changedCount - 1] ?? 0) >= line) walk.changedCount--
}

/** Finds the next line that both sides have, at or after `line` of the layout and byte `at` of the page. */
function pair(layout: Layout, page: Buffer, line: number, at: number, walk: Walk): number {
  const budget = Math.max(MAX_EDITS, layout.lines >>> 2)
  let known = line
  let byte = at
  while (known < layout.lines) {
    if (walk.inserted.count + walk.deletedCount > budget) return -1
    const inPage = findKnown(layout, page, known, byte)
    if (inPage === byte) return joinAt(layout, known, byte, walk)
    const inLayout = findInLayout(layout, page, known, byte)
    if (inPage < 0 && inLayout < 0) {
      // A line was replaced by another.
      byte = insertLines(layout, page, byte, lineEnd(page, byte), known, walk)
      if (byte < 0) return -1
      deleteLines(known, known + 1, walk)
      known++
    } else if (
      inLayout < 0 ||
      inLayout === known ||
      (inPage >= 0 && inPage - byte <= distance(layout, known, inLayout))
    ) {
      if (insertLines(layout, page, byte, inPage, known, walk) < 0) return -1
      return joinAt(layout, known, inPage, walk)
    } else {
      deleteLines(known, inLayout, walk)
      known = inLayout
    }
  }
  // All known lines are passed; what is left of the page is read by `appendRest`.
  walk.proven = layout.textBytes
  walk.shift = byte - 1 - layout.textBytes
  return layout.lines
}

function distance(layout: Layout, from: number, to: number): number {
  return (layout.starts[to] ?? 0) - (layout.starts[from] ?? 0)
}

function lineEnd(page: Buffer, at: number): number {
  const newline = page.indexOf(10, at)
  return newline < 0 ? page.length : newline + 1
}

/** Goes on with `line`, whose name begins at byte `at` of the page. */
function joinAt(layout: Layout, line: number, at: number, walk: Walk): number {
  const value = layout.starts[line] ?? 0
  walk.shift = at - keyStart(layout, line)
  walk.proven = value
  return line
}

/** Where the name of the layout's `line` stands in the page at or after `at`, or -1. */
function findKnown(layout: Layout, page: Buffer, line: number, at: number): number {
  const key = layout.text.subarray(keyStart(layout, line), layout.starts[line])
  return findLine(page, key, at, Math.min(page.length, at + REACH))
}

/** Which line of the layout, after `line`, has the name that stands at `at` of the page, or -1. */
function findInLayout(layout: Layout, page: Buffer, line: number, at: number): number {
  const list = probe
  list.count = 0
  let from = at
  while (list.count === 0 && from < page.length) {
    const to = lineEnd(page, from)
    readLines(layout.format, page, from, to, list)
    if (list.count === 0) from = to
  }
  const value = list.starts[0]
  if (list.count === 0 || value === undefined) return -1
  const key = page.subarray(from, value)
  const floor = keyStart(layout, line)
  const found = findLine(layout.text, key, floor, Math.min(layout.textBytes, floor + REACH))
  return found < 0 ? -1 : lineAfter(layout, found, layout.lines)
}
const probe = { count: 0, starts: new Int32Array(4), ends: new Int32Array(4), values: new Float64Array(4) }

/** First place at or after `from` where `key` stands at the start of a line. */
function findLine(text: Buffer, key: Buffer, from: number, to: number): number {
  const within = text.subarray(from, to)
  let at = within.indexOf(key)
  while (at > 0 && within[at - 1] !== 10) at = within.indexOf(key, at + 1)
  return at < 0 ? -1 : from + at
}

/** @returns `to`, or -1 when the lines cannot be read or reach into the tail */
function insertLines(
  layout: Layout,
  page: Buffer,
  from: number,
  to: number,
  before: number,
  walk: Walk,
): number {
  const had = walk.inserted.count
  if (readLines(layout.format, page, from, to, walk.inserted) !== to) return -1
  if (walk.insertedBefore.length < walk.inserted.starts.length) {
    const bigger = new Int32Array(walk.inserted.starts.length)
    bigger.set(walk.insertedBefore)
    walk.insertedBefore = bigger
  }
  walk.insertedBefore.fill(before, had, walk.inserted.count)
  return to
}

function deleteLines(from: number, to: number, walk: Walk): void {
  const needed = walk.deletedCount + to - from
  if (needed > walk.deleted.length) {
    const bigger = new Int32Array(needed * 2)
    bigger.set(walk.deleted)
    walk.deleted = bigger
  }
  for (let line = from; line < to; line++) walk.deleted[walk.deletedCount++] = line
}

/** Lines behind the last known one are new. False when there are too many, or when the page does not end well. */
export function appendRest(layout: Layout, page: Buffer, from: number, walk: Walk): boolean {
  const stop = readLines(layout.format, page, from, page.length, walk.inserted)
  const { count, starts } = walk.inserted
  if (walk.insertedBefore.length < starts.length) {
    const bigger = new Int32Array(starts.length)
    bigger.set(walk.insertedBefore)
    walk.insertedBefore = bigger
  }
  let line = count
  while (line > 0 && (starts[line - 1] ?? 0) >= from) walk.insertedBefore[--line] = layout.lines
  if (count + walk.deletedCount > Math.max(MAX_EDITS, layout.lines >>> 2)) return false
  return stop === page.length || layout.format === "raw"
}
