import { nameStart } from "./full-parse.ts"
import { addToSignature, keyHash, keyStart, type Layout, makeLayout, takeFromSignature } from "./layout.ts"
import type { Walk } from "./walk.ts"

/** The signature that the page has by the edits that a walk found. */
export function editedSignature(layout: Layout, page: Buffer, walk: Walk): number {
  let signature = layout.signature
  for (let index = 0; index < walk.inserted.count; index++) {
    const start = walk.inserted.starts[index] ?? 0
    signature = addToSignature(signature, keyHash(page, nameStart(page, start), start))
  }
  for (let index = 0; index < walk.deletedCount; index++) {
    const line = walk.deleted[index] ?? 0
    signature = takeFromSignature(
      signature,
      keyHash(layout.text, keyStart(layout, line), layout.starts[line] ?? 0),
    )
  }
  return signature
}

export function editedLines(layout: Layout, walk: Walk): number {
  return layout.lines + walk.inserted.count - walk.deletedCount
}

/**
 * Goes through the lines after the edits: runs of lines that were there before, and inserted ones between them.
 * @param kept `count` lines from `old` on stand from `line` on
 */
function eachRun(
  layout: Layout,
  walk: Walk,
  kept: (old: number, line: number, count: number) => void,
  inserted: (index: number, line: number) => void,
): void {
  let old = 0
  let line = 0
  let insertion = 0
  let deletion = 0
  while (old < layout.lines || insertion < walk.inserted.count) {
    const nextInsertion =
      insertion < walk.inserted.count ? (walk.insertedBefore[insertion] ?? 0) : layout.lines
    const nextDeletion = deletion < walk.deletedCount ? (walk.deleted[deletion] ?? 0) : layout.lines
    const stop = Math.min(nextInsertion, nextDeletion)
    if (stop > old) {
      kept(old, line, stop - old)
      line += stop - old
      old = stop
    } else if (nextInsertion === old && insertion < walk.inserted.count) {
      inserted(insertion++, line++)
    } else {
      deletion++
      old++
    }
  }
}

/** For each line after the edits, its line before them, or -1 for an inserted one. */
export function editOrigin(layout: Layout, walk: Walk): Int32Array {
  const origin = new Int32Array(editedLines(layout, walk)).fill(-1)
  eachRun(
    layout,
    walk,
    (old, line, count) => {
      for (let at = 0; at < count; at++) origin[line + at] = old + at
    },
    () => undefined,
  )
  return origin
}

/**
 * The layout after the edits.
 * @param alone the old layout has no other reader: its text's buffer is taken over, and it must not be used again
 */
export function patchLayout(
  layout: Layout,
  page: Buffer,
  walk: Walk,
  signature: number,
  alone: boolean,
): Layout {
  const lines = editedLines(layout, walk)
  const starts = new Int32Array(lines)
  const ends = new Int32Array(lines)
  eachRun(
    layout,
    walk,
    (old, line, count) => {
      starts.set(layout.nextStarts.subarray(old, old + count), line)
      ends.set(layout.nextEnds.subarray(old, old + count), line)
    },
    (index, line) => {
      starts[line] = walk.inserted.starts[index] ?? 0
      ends[line] = walk.inserted.ends[index] ?? 0
    },
  )
  const room = alone ? layout.text : undefined
  return makeLayout(layout.format, page, starts, ends, signature, room)
}

/** Changes place with the walk's lists. */
let spareLines: Int32Array = new Int32Array(1024)
let spareValues: Float64Array = new Float64Array(1024)

/**
 * The proxy's values after the edits, and the walk's changes told in the new lines: what changed, and what is new.
 * The old `values` stay as they are.
 */
export function applyEdits(layout: Layout, values: Float64Array, walk: Walk): Float64Array {
  const next = new Float64Array(editedLines(layout, walk))
  const room = walk.changedCount + walk.inserted.count
  if (spareLines.length < room) {
    spareLines = new Int32Array(room * 2)
    spareValues = new Float64Array(room * 2)
  }
  let count = 0
  let change = 0
  eachRun(
    layout,
    walk,
    (old, line, kept) => {
      next.set(values.subarray(old, old + kept), line)
      while (change < walk.changedCount && (walk.changedLines[change] ?? 0) < old) change++
      for (; change < walk.changedCount && (walk.changedLines[change] ?? 0) < old + kept; change++) {
        const at = line + (walk.changedLines[change] ?? 0) - old
        next[at] = walk.changedValues[change] ?? Number.NaN
        spareLines[count++] = at
      }
    },
    (index, line) => {
      next[line] = walk.inserted.values[index] ?? Number.NaN
      spareLines[count++] = line
    },
  )
  const { changedLines, changedValues } = walk
  walk.changedLines = spareLines
  walk.changedValues = spareValues
  walk.changedCount = count
  spareLines = changedLines
  spareValues = changedValues
  return next
}
