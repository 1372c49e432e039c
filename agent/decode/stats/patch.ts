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

/** For each line after the edits, its line before them, or -1 for an inserted one. */
export function editOrigin(layout: Layout, walk: Walk): Int32Array {
  const origin = new Int32Array(editedLines(layout, walk))
  let line = 0
  let inserted = 0
  let deleted = 0
  for (let old = 0; old <= layout.lines; old++) {
    while (inserted < walk.inserted.count && walk.insertedBefore[inserted] === old) {
      origin[line++] = -1
      inserted++
    }
    if (old === layout.lines) break
    if (deleted < walk.deletedCount && walk.deleted[deleted] === old) deleted++
    else origin[line++] = old
  }
  return origin
}

/** The layout after the edits. The old one stays as it is. */
export function patchLayout(
  layout: Layout,
  page: Buffer,
  walk: Walk,
  origin: Int32Array,
  signature: number,
): Layout {
  const starts = new Int32Array(origin.length)
  const ends = new Int32Array(origin.length)
  let inserted = 0
  for (let line = 0; line < origin.length; line++) {
    const old = origin[line] ?? -1
    if (old < 0) {
      starts[line] = walk.inserted.starts[inserted] ?? 0
      ends[line] = walk.inserted.ends[inserted++] ?? 0
    } else {
      starts[line] = layout.nextStarts[old] ?? 0
      ends[line] = layout.nextEnds[old] ?? 0
    }
  }
  return makeLayout(layout.format, page, starts, ends, signature)
}

/**
 * The proxy's values after the edits, and the walk's changes told in the new lines: what changed, and what is new.
 * The old `values` stay as they are.
 */
export function applyEdits(values: Float64Array, origin: Int32Array, walk: Walk): Float64Array {
  const next = new Float64Array(origin.length)
  const changedLines = new Int32Array(Math.max(origin.length, walk.changedLines.length))
  let count = 0
  let change = 0
  let inserted = 0
  for (let line = 0; line < origin.length; line++) {
    const old = origin[line] ?? -1
    while (change < walk.changedCount && (walk.changedLines[change] ?? 0) < old) change++
    if (old < 0) next[line] = walk.inserted.values[inserted++] ?? Number.NaN
    else if (change < walk.changedCount && walk.changedLines[change] === old) {
      next[line] = walk.changedValues[change] ?? Number.NaN
    } else {
      next[line] = values[old] ?? Number.NaN
      continue
    }
    changedLines[count++] = line
  }
  walk.changedLines = changedLines
  walk.changedValues = new Float64Array(changedLines.length)
  walk.changedCount = count
  return next
}
