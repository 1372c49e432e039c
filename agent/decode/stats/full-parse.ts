import { addToSignature, keyHash, type Layout, makeLayout } from "./layout.ts"
import { type LineList, makeLineList, pushLine } from "./line-list.ts"
import { NO_VALUE, numberAt, type PageFormat, TAIL, valueStart } from "./line-value.ts"

const NEWLINE = 10
const found = makeLineList(16_384)

/** A page read from scratch. `values` belongs to the caller. */
export interface FullPage {
  readonly layout: Layout
  readonly values: Float64Array
}

/**
 * Reads a page line by line; what the incremental walk must agree with. Lines that hold no value are passed over; the
 * raw page ends where its summaries of histograms begin. An unfinished last line is not read: it may be cut.
 */
export function parseFull(format: PageFormat, page: Buffer): FullPage {
  found.count = 0
  readLines(format, page, 0, page.length, found)
  const layout = makeLayout(
    format,
    page,
    found.starts.slice(0, found.count),
    found.ends.slice(0, found.count),
    signatureOf(page, found),
  )
  return { layout, values: found.values.slice(0, found.count) }
}

/**
 * Adds the lines of `[from, to)` to `list`; `from` is the start of a line.
 * @returns where reading stopped: after the last whole line, or where the tail begins
 */
export function readLines(
  format: PageFormat,
  page: Buffer,
  from: number,
  to: number,
  list: LineList,
): number {
  let at = from
  while (at < to) {
    const end = page.indexOf(NEWLINE, at)
    if (end < 0 || end >= to) return at
    const start = valueStart(format, page, at, end)
    if (start === TAIL) return at
    if (start !== NO_VALUE) pushLine(list, start, end, numberAt(page, start, end) ?? Number.NaN)
    at = end + 1
  }
  return at
}

/** Where the name of the line whose value begins at `start` begins. */
export function nameStart(page: Buffer, start: number): number {
  return start === 0 ? 0 : page.lastIndexOf(NEWLINE, start - 1) + 1
}

function signatureOf(page: Buffer, list: LineList): number {
  let signature = 0
  for (let line = 0; line < list.count; line++) {
    const start = list.starts[line] ?? 0
    signature = addToSignature(signature, keyHash(page, nameStart(page, start), start))
  }
  return signature
}
