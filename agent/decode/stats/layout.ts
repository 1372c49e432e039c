import { type PageFormat, textHash } from "./line-value.ts"

/**
 * The shape of a stats page: which series stand on it, in which order, and where their values are. Shared by all
 * proxies whose pages have the same series; the numbers belong to each proxy (`PageReader`).
 *
 * `text` is the last page that was read with this layout, up to the end of its last value, with `starts` and `ends`
 * the byte range of each value. Between two values stand a newline, perhaps comments, and the next name.
 * The set and order of names never change: another set is another layout.
 */
export interface Layout {
  readonly format: PageFormat
  readonly lines: number
  /** Commutative hash of the names, so that a layout can be found again. */
  readonly signature: number
  /** Readers that hold it; the pool lets go of layouts without readers. */
  users: number
  /** The reader whose last page `text` is, byte for byte; undefined when it is nobody's. */
  textOf: object | undefined
  text: Buffer
  textBytes: number
  starts: Int32Array
  ends: Int32Array
  /** Where a walk writes while it is not yet proven; then the two pairs change places. */
  nextStarts: Int32Array
  nextEnds: Int32Array
}

const NEWLINE = 10

/** @param room a buffer that nobody else needs any more, to keep the page's text in */
export function makeLayout(
  format: PageFormat,
  page: Buffer,
  starts: Int32Array,
  ends: Int32Array,
  signature: number,
  room: Buffer = Buffer.alloc(0),
): Layout {
  const layout: Layout = {
    format,
    lines: starts.length,
    signature,
    users: 0,
    textOf: undefined,
    text: room,
    textBytes: 0,
    starts,
    ends,
    nextStarts: new Int32Array(starts.length),
    nextEnds: new Int32Array(starts.length),
  }
  keepText(layout, page)
  return layout
}

/** Copies the page that `starts` and `ends` now describe. */
export function keepText(layout: Layout, page: Buffer): void {
  const bytes = layout.ends[layout.lines - 1] ?? 0
  // Values get wider over time: an eighth of room saves most of the reallocations.
  if (layout.text.length < bytes) layout.text = Buffer.allocUnsafeSlow(bytes + (bytes >>> 3) + 64)
  page.copy(layout.text, 0, 0, bytes)
  layout.textBytes = bytes
}

/** Where the name of a line begins: after the last newline before its value. */
export function keyStart(layout: Layout, line: number): number {
  const floor = line === 0 ? 0 : (layout.ends[line - 1] ?? 0)
  const { text } = layout
  let at = layout.starts[line] ?? 0
  while (at > floor && text[at - 1] !== NEWLINE) at--
  return at
}

/** The series' name as the page prints it, without what separates it from the value. Cold path: makes a text. */
export function seriesName(layout: Layout, line: number): string {
  const separator = layout.format === "raw" ? 2 : 1
  return layout.text.toString("latin1", keyStart(layout, line), (layout.starts[line] ?? 0) - separator)
}

/** What one name adds to a signature: 48 bits, so that sums of thousands stay exact modulo 2^48. */
export function keyHash(page: Uint8Array, start: number, end: number): number {
  const low = textHash(page, start, end)
  return low * 65_536 + (Math.imul(low ^ (end - start), 0x9e3779b1) >>> 16)
}
const SIGNATURES = 2 ** 48
export function addToSignature(signature: number, hash: number): number {
  return (signature + hash) % SIGNATURES
}
export function takeFromSignature(signature: number, hash: number): number {
  return (signature - hash + SIGNATURES) % SIGNATURES
}
