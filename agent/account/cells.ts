import type { MetricType } from "#mesh/catalogue.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"

/** What a slot holds. `NOWHERE`: retired, or slot 0, which nobody reads. */
export const NOWHERE = 0
export const COUNTER = 1
export const GAUGE = 2
export const HISTOGRAM = 3
export const KIND_OF: Readonly<Record<MetricType, number>> = {
  counter: COUNTER,
  gauge: GAUGE,
  histogram: HISTOGRAM,
}

/**
 * All numbers of the ledger, by slot. `live` is what was counted, `shown` what was committed. Arrays are replaced when
 * they grow: read them through this object each time. Block 0 of the buckets belongs to no series.
 */
export interface Cells {
  size: number
  kind: Uint8Array
  live: Float64Array
  shown: Float64Array
  /** Generation of the last committed change. */
  changed: Uint32Array
  /** Offset of a histogram's block in the bucket arrays; 0 for everything else. */
  bucketAt: Int32Array
  liveBuckets: Float64Array
  shownBuckets: Float64Array
  bucketEnd: number
  readonly freeBlocks: number[]
  /** One bit per slot: changed since the last commit. */
  dirty: Int32Array
}

export function makeCells(): Cells {
  const slots = 1024
  return {
    size: 1,
    kind: new Uint8Array(slots),
    live: new Float64Array(slots),
    shown: new Float64Array(slots),
    changed: new Uint32Array(slots),
    bucketAt: new Int32Array(slots),
    liveBuckets: new Float64Array(64 * BUCKET_COUNT),
    shownBuckets: new Float64Array(64 * BUCKET_COUNT),
    bucketEnd: BUCKET_COUNT,
    freeBlocks: [],
    dirty: new Int32Array(slots / 32),
  }
}

/** Makes `slot` hold a series of `kind` that starts at 0. */
export function openCell(cells: Cells, slot: number, kind: number): void {
  if (slot >= cells.live.length) growSlots(cells, slot + 1)
  cells.size = Math.max(cells.size, slot + 1)
  cells.kind[slot] = kind
  if (kind === HISTOGRAM) cells.bucketAt[slot] = takeBlock(cells)
  markDirty(cells, slot)
}

/**
 * From now on the slot counts into nothing. What it showed stays until the commit that takes it out of view; then
 * `freeBlock` may be called with the answered block (0: it had none).
 */
export function closeCell(cells: Cells, slot: number): number {
  const block = cells.bucketAt[slot] ?? 0
  cells.kind[slot] = NOWHERE
  cells.bucketAt[slot] = 0
  return block
}

/** Gives a histogram's block to the next one. */
export function freeBlock(cells: Cells, block: number): void {
  if (block === 0) return
  cells.liveBuckets.fill(0, block, block + BUCKET_COUNT)
  cells.shownBuckets.fill(0, block, block + BUCKET_COUNT)
  cells.freeBlocks.push(block)
}

export function markDirty(cells: Cells, slot: number): void {
  const word = slot >>> 5
  cells.dirty[word] = (cells.dirty[word] ?? 0) | (1 << (slot & 31))
}

/** The next slot at or after `slot` that changed since the last commit, or -1. */
export function nextDirty(cells: Cells, slot: number): number {
  const words = cells.dirty
  const last = (cells.size + 31) >>> 5
  let word = slot >>> 5
  let bits = word < last ? (words[word] ?? 0) & (-1 << (slot & 31)) : 0
  while (bits === 0) {
    if (++word >= last) return -1
    bits = words[word] ?? 0
  }
  return (word << 5) + 31 - Math.clz32(bits & -bits)
}

/** Copies what changed to what is shown, stamped with `generation`. */
export function show(cells: Cells, generation: number): void {
  const { live, shown, changed, bucketAt, liveBuckets, shownBuckets } = cells
  for (let slot = nextDirty(cells, 0); slot >= 0; slot = nextDirty(cells, slot + 1)) {
    shown[slot] = live[slot] ?? 0
    changed[slot] = generation
    // A retired slot has no block any more: what it showed is not touched.
    const block = bucketAt[slot] ?? 0
    if (block === 0) continue
    for (let at = block; at < block + BUCKET_COUNT; at++) shownBuckets[at] = liveBuckets[at] ?? 0
  }
  cells.dirty.fill(0, 0, (cells.size + 31) >>> 5)
}

function takeBlock(cells: Cells): number {
  const free = cells.freeBlocks.pop()
  if (free !== undefined) return free
  const block = cells.bucketEnd
  cells.bucketEnd += BUCKET_COUNT
  if (cells.bucketEnd > cells.liveBuckets.length) {
    cells.liveBuckets = longer(cells.liveBuckets, new Float64Array(cells.bucketEnd * 2))
    cells.shownBuckets = longer(cells.shownBuckets, new Float64Array(cells.bucketEnd * 2))
  }
  return block
}

function growSlots(cells: Cells, wanted: number): void {
  const slots = Math.ceil(Math.max(wanted, cells.live.length * 2) / 32) * 32
  cells.kind = longer(cells.kind, new Uint8Array(slots))
  cells.live = longer(cells.live, new Float64Array(slots))
  cells.shown = longer(cells.shown, new Float64Array(slots))
  cells.changed = longer(cells.changed, new Uint32Array(slots))
  cells.bucketAt = longer(cells.bucketAt, new Int32Array(slots))
  cells.dirty = longer(cells.dirty, new Int32Array(slots / 32))
}

function longer<A extends Uint8Array | Uint32Array | Int32Array | Float64Array>(from: A, to: A): A {
  to.set(from)
  return to
}
