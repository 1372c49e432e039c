/** Which of Envoy's two text pages: raw names (`/stats`), or Prometheus text (`/stats/prometheus`). */
export type PageFormat = "raw" | "prometheus"

/** The line holds no value (comment, blank, cut): it belongs to what stands before the next value. */
export const NO_VALUE = -1
/** Raw page: from here on there are summaries of histograms, which no series is made of. */
export const TAIL = -2

const SPACE = 32
const NEWLINE = 10
const QUOTE = 34
const HASH = 35
const CLOSE = 41
const COLON = 58
const NO_RECORDS = Buffer.from(": No recorded values")

/**
 * Where the value of the line `[start, end)` begins, or `NO_VALUE`, or `TAIL`.
 * Raw: `name: 12`, text readouts `name: "text"`. Prometheus: `name{labels} 12`; a blank in a label does no harm, as
 * the value is what follows the last one.
 */
export function valueStart(format: PageFormat, page: Buffer, start: number, end: number): number {
  if (end <= start) return NO_VALUE
  if (format === "prometheus") return page[start] === HASH ? NO_VALUE : numberStart(page, start, end)
  const last = page[end - 1]
  if (last === QUOTE) return readoutStart(page, start, end)
  if (last === CLOSE || endsWithNoRecords(page, start, end)) return TAIL
  const at = numberStart(page, start, end)
  return at >= 0 && page[at - 2] === COLON ? at : NO_VALUE
}

function numberStart(page: Buffer, start: number, end: number): number {
  let at = end
  while (at > start && page[at - 1] !== SPACE) at--
  if (at === start || at === end) return NO_VALUE
  return numberAt(page, at, end) === undefined ? NO_VALUE : at
}

function readoutStart(page: Buffer, start: number, end: number): number {
  for (let at = start; at + 3 < end; at++) {
    if (page[at] === COLON && page[at + 1] === SPACE) return page[at + 2] === QUOTE ? at + 2 : NO_VALUE
  }
  return NO_VALUE
}

function endsWithNoRecords(page: Buffer, start: number, end: number): boolean {
  const length = NO_RECORDS.length
  return (
    page[end - 1] === 115 &&
    end - start > length &&
    page.compare(NO_RECORDS, 0, length, end - length, end) === 0
  )
}

/**
 * The number in `[start, end)`: digits as Envoy prints counters and gauges, else whatever `Number` reads, `nan` and
 * `inf` included. A quoted text gives a number that changes when the text does. Undefined: neither.
 */
export function numberAt(page: Buffer, start: number, end: number): number | undefined {
  if (end - start <= 15) {
    let value = 0
    let at = start
    for (; at < end; at++) {
      const digit = (page[at] ?? 0) - 48
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    if (at === end && end > start) return value
  }
  return oddNumberAt(page, start, end)
}

/**
 * The value at a place where the last page had one. As `numberAt`, but a quoted text counts only where a reader of the
 * line alone would find it: quotes within names or texts may move the place.
 */
export function valueAt(format: PageFormat, page: Buffer, at: number, end: number): number | undefined {
  const value = numberAt(page, at, end)
  if (value === undefined || page[at] !== QUOTE) return value
  const start = at === 0 ? 0 : page.lastIndexOf(NEWLINE, at - 1) + 1
  return valueStart(format, page, start, end) === at ? value : undefined
}

function oddNumberAt(page: Buffer, start: number, end: number): number | undefined {
  // A readout ends as it begins; without its second quote the line has another name than it seems to have.
  if (page[start] === QUOTE) {
    return end - start > 1 && page[end - 1] === QUOTE ? textHash(page, start, end) : undefined
  }
  if (end - start > 400 || end === start) return undefined
  const text = page.toString("latin1", start, end)
  if (/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return Number(text)
  if (/^[+-]?nan$/i.test(text)) return Number.NaN
  if (/^[+-]?inf$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity
  return undefined
}

/** FNV-1a, 32 bits. */
export function textHash(page: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (page[at] ?? 0), 16777619)
  return hash >>> 0
}
