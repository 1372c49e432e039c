import type { FamilyBody } from "./family-body.ts"

/** The end of a family's text, with those series that a reader is to see as 0. Their text must stay as it is. */
export interface Newborns {
  readonly text: Buffer
  readonly from: number
  readonly to: number
  /** By line, as in the body; copies, because the next rendering moves the body's. */
  readonly valueAt: Int32Array
  readonly valueEnd: Int32Array
}

const ZERO = 48
/** Lines between two looks at the clock. */
const STRIDE = 512

/** Index of the first series of the text that was born after `since`; the number of its series when there is none. */
export function firstNewborn(body: FamilyBody, since: number): number {
  // A gauge has no beginning: what it shows first is the truth.
  if (body.family.metric.type === "gauge") return body.series
  let [low, high] = [0, body.series]
  if ((body.born[high - 1] ?? 0) <= since) return high
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((body.born[middle] ?? 0) > since) high = middle
    else low = middle + 1
  }
  return low
}

/** The series of a body's text from `first` on. The caller sees to it that the text is not written to. */
export function newbornsFrom(body: FamilyBody, first: number): Newborns {
  const line = first * body.perSeries
  const end = body.series * body.perSeries
  return {
    text: body.sheet.bytes,
    from: line === 0 ? body.headLength : (body.valueEnd[line - 1] ?? 0) + 1,
    to: body.length,
    valueAt: body.valueAt.slice(line, end),
    valueEnd: body.valueEnd.slice(line, end),
  }
}

/** The same lines with 0 for each value and without exemplars. Yields where the caller may rest. */
export function* zeroText({ text, from, to, valueAt, valueEnd }: Newborns): Generator<undefined, Buffer> {
  // No value is shorter than a zero.
  const out = Buffer.allocUnsafe(to - from)
  let source = from
  let end = 0
  for (let line = 0; line < valueAt.length; line++) {
    if (line % STRIDE === STRIDE - 1) yield
    const at = valueAt[line] ?? 0
    text.copy(out, end, source, at)
    end += at - source
    out[end++] = ZERO
    source = valueEnd[line] ?? 0
  }
  text.copy(out, end, source, to)
  return out.subarray(0, end + to - source)
}
