import { BUCKET_COUNT, bucketOf } from "#mesh/histogram.ts"
import type { Exemplar, Family, Snapshot } from "#mesh/snapshot.ts"
import { HISTOGRAM_LINES, linePrefixes, linesPer } from "./series-lines.ts"
import { exemplarText, type Format, headText, MAX_NUMBER_BYTES, putNumber } from "./text.ts"

/** A buffer that answers may still be sending. */
export interface Sheet {
  bytes: Buffer
  /** How many answers hold it. It is not written to while this is not 0. */
  lent: number
}

/**
 * One family as rendered text that is kept. To render again is to copy the runs between values that changed and to
 * write those values. `valueAt` and `valueEnd` hold, per line, where the value's text lies in `sheet`.
 */
export interface FamilyBody {
  readonly family: Family
  readonly format: Format
  readonly perSeries: number
  removals: number
  /** Everything up to this generation is in the text. */
  generation: number
  series: number
  /** Bytes of the comments above the first series. */
  readonly headLength: number
  sheet: Sheet
  spare: Sheet
  length: number
  slots: Int32Array
  bucketAt: Int32Array
  /** By series: the generation of its birth. */
  born: Uint32Array
  valueAt: Int32Array
  valueEnd: Int32Array
  /** The number that each line shows. */
  shown: Float64Array
}

/** Free bytes that a line's value, an exemplar and the line's end may need. */
const MAX_TAIL_BYTES = MAX_NUMBER_BYTES + 160
/** Series between two looks at the clock. */
const STRIDE = 512
/** Bytes copied between two looks at the clock. */
const COPY_BYTES = 2 ** 20

export function makeFamilyBody(family: Family, format: Format): FamilyBody {
  const head = Buffer.from(headText(family.metric, format))
  return {
    family,
    format,
    perSeries: linesPer(family.metric),
    removals: family.removals,
    generation: 0,
    series: 0,
    headLength: head.length,
    sheet: { bytes: head, lent: 0 },
    spare: { bytes: Buffer.alloc(0), lent: 0 },
    length: head.length,
    slots: new Int32Array(0),
    bucketAt: new Int32Array(0),
    born: new Uint32Array(0),
    valueAt: new Int32Array(0),
    valueEnd: new Int32Array(0),
    shown: new Float64Array(0),
  }
}

/** Rewrites the values that changed. Yields where the caller may rest; the text is whole again when it ends. */
export function* patchFamily(body: FamilyBody, snapshot: Snapshot): Generator<undefined> {
  const upTo = snapshot.generation
  if (body.series === 0 || body.generation === upTo) return
  const { slots, valueAt, valueEnd, shown, perSeries } = body
  const from = body.sheet.bytes
  const values = new Float64Array(perSeries)
  let out = openSheet(body)
  let source = 0
  let end = 0
  let dirty = false
  for (let series = 0; series < body.series; series++) {
    if (series % STRIDE === STRIDE - 1) yield
    const first = series * perSeries
    const shift = end - source
    const changed = (snapshot.changed[slots[series] ?? 0] ?? 0) > body.generation
    if (!changed) {
      if (shift !== 0) moveLines(body, first, shift)
      continue
    }
    const exemplar = readValues(body, series, snapshot, values)
    for (let line = first; line < first + perSeries; line++) {
      const value = values[line - first] ?? 0
      const at = valueAt[line] ?? 0
      const oldEnd = valueEnd[line] ?? 0
      if (value === shown[line] && exemplar === undefined) {
        valueAt[line] = at + end - source
        valueEnd[line] = oldEnd + end - source
        continue
      }
      dirty = true
      const run = at - source
      if (end + run + MAX_TAIL_BYTES > out.length) out = enlarge(out, end, end + run + MAX_TAIL_BYTES)
      from.copy(out, end, source, at)
      end += run
      source = oldEnd
      valueAt[line] = end
      end = putValue(body, out, end, value, line - first, exemplar)
      valueEnd[line] = end
      shown[line] = value
    }
  }
  body.generation = upTo
  if (!dirty) return
  const rest = body.length - source
  if (end + rest > out.length) out = enlarge(out, end, end + rest)
  from.copy(out, end, source, body.length)
  turnSheet(body, out, end + rest)
}

/** Adds the series that came since. Yields where the caller may rest. */
export function* appendSeries(body: FamilyBody, snapshot: Snapshot): Generator<undefined> {
  const all = body.family.series
  if (all.length === body.series) return
  makeRoom(body, all.length)
  let end = body.length
  // What lies behind the text is in no answer, so it may be written to. A new buffer for each birth costs the process
  // a whole garbage collection per scrape, as it is large.
  let out = body.sheet.bytes
  while (body.series < all.length && body.removals === body.family.removals) {
    const next = all[body.series]
    if (next === undefined) break
    const index = body.series
    body.slots[index] = next.slot
    body.bucketAt[index] = next.bucketAt
    body.born[index] = next.born
    const values = new Float64Array(body.perSeries)
    const exemplar = readValues(body, index, snapshot, values)
    let line = index * body.perSeries
    for (const [part, prefix] of linePrefixes(body.family.metric, next, body.format).entries()) {
      const wanted = end + prefix.length * 3 + MAX_TAIL_BYTES
      if (wanted > out.length) out = yield* enlargeInSteps(out, end, wanted)
      end += out.write(prefix, end)
      body.valueAt[line] = end
      body.shown[line] = values[part] ?? 0
      end = putValue(body, out, end, values[part] ?? 0, part, exemplar)
      body.valueEnd[line++] = end
      out[end++] = 10
    }
    body.series = index + 1
    if (index % STRIDE === STRIDE - 1) yield
  }
  if (out === body.sheet.bytes) body.length = end
  else turnSheet(body, out, end)
}

/** Values of a series' lines into `values`. Answers the exemplar, if there is one: then all lines are written. */
function readValues(
  body: FamilyBody,
  series: number,
  snapshot: Snapshot,
  values: Float64Array,
): Exemplar | undefined {
  const slot = body.slots[series] ?? 0
  if (body.perSeries === 1) {
    values[0] = snapshot.values[slot] ?? 0
    return undefined
  }
  const block = body.bucketAt[series] ?? 0
  let below = 0
  for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
    below += snapshot.buckets[block + bucket] ?? 0
    values[bucket] = below
  }
  values[BUCKET_COUNT] = snapshot.values[slot] ?? 0
  values[BUCKET_COUNT + 1] = below
  if (body.format === "text") return undefined
  return snapshot.exemplar(slot)
}

function putValue(
  body: FamilyBody,
  out: Buffer,
  at: number,
  value: number,
  part: number,
  exemplar: Exemplar | undefined,
): number {
  const end = putNumber(out, at, value)
  if (exemplar === undefined || body.perSeries !== HISTOGRAM_LINES) return end
  return part === bucketOf(exemplar.seconds) ? end + out.write(exemplarText(exemplar), end, "latin1") : end
}

function moveLines(body: FamilyBody, first: number, shift: number): void {
  const { valueAt, valueEnd, perSeries } = body
  for (let line = first; line < first + perSeries; line++) {
    valueAt[line] = (valueAt[line] ?? 0) + shift
    valueEnd[line] = (valueEnd[line] ?? 0) + shift
  }
}

/** A buffer to write the next text into: the spare one, or a new one while an answer still holds that. */
function openSheet(body: FamilyBody): Buffer {
  const wanted = body.length + 4096
  if (body.spare.lent === 0 && body.spare.bytes.length >= wanted) return body.spare.bytes
  return Buffer.allocUnsafeSlow(Math.ceil(body.length * 1.125) + 8192)
}

/** Makes `bytes` the current text; the old one becomes the spare. */
function turnSheet(body: FamilyBody, bytes: Buffer, length: number): void {
  const before = body.sheet
  body.sheet = bytes === body.spare.bytes ? body.spare : { bytes, lent: 0 }
  body.spare = before
  body.length = length
}

function enlarge(bytes: Buffer, used: number, wanted: number): Buffer {
  const bigger = Buffer.allocUnsafeSlow(Math.ceil(wanted * 1.25))
  bytes.copy(bigger, 0, 0, used)
  return bigger
}

function* enlargeInSteps(bytes: Buffer, used: number, wanted: number): Generator<undefined, Buffer> {
  const bigger = Buffer.allocUnsafeSlow(Math.ceil(wanted * 1.25))
  for (let at = 0; at < used; at += COPY_BYTES) {
    bytes.copy(bigger, at, at, Math.min(used, at + COPY_BYTES))
    yield
  }
  return bigger
}

function makeRoom(body: FamilyBody, series: number): void {
  if (series <= body.slots.length) return
  const size = Math.ceil(series * 1.125) + 16
  body.slots = longer(body.slots, new Int32Array(size))
  body.bucketAt = longer(body.bucketAt, new Int32Array(size))
  body.born = longer(body.born, new Uint32Array(size))
  body.valueAt = longer(body.valueAt, new Int32Array(size * body.perSeries))
  body.valueEnd = longer(body.valueEnd, new Int32Array(size * body.perSeries))
  body.shown = longer(body.shown, new Float64Array(size * body.perSeries))
}

function longer<A extends Int32Array | Uint32Array | Float64Array>(from: A, to: A): A {
  to.set(from)
  return to
}
