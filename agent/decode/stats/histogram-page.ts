import { crc32 } from "node:zlib"
import { MeshscopeError } from "#mesh/errors.ts"
import type { FoldedHistogram } from "#mesh/stats.ts"
import { addBin, clearFold, makeBinFold } from "./bin-fold.ts"

const NAME = Buffer.from('{"name":"')
const TOTALS = Buffer.from('"totals":[')
const START = Buffer.from('"histograms":{')
const QUOTE = 34
const CLOSE = 93
const MAX_NAME_BYTES = 4096

/** Which histograms are wanted: a number for each of their raw names. */
export type WantedHistograms = ReadonlyMap<string, number>

const fold = makeBinFold()

/**
 * Reads `/stats?format=json&type=Histograms&histogram_buckets=detailed`. No JSON is built: the scanner goes from name to
 * name, and reads the totals of those that are wanted. One whose totals are the same text as at the last page (by length
 * and CRC) is not read again; percentiles and intervals, most of the page, are passed over by native searches.
 */
export class HistogramReader {
  /** CRC and length of each wanted histogram's totals. */
  #seen = new Float64Array(64)

  /**
   * @param use called for each wanted histogram that changed; its argument is valid during the call
   * @returns how many were told
   * @throws MeshscopeError ADMIN_BAD_ANSWER when the page is not that page
   */
  read(
    page: Buffer,
    wanted: WantedHistograms,
    use: (wanted: number, histogram: FoldedHistogram) => void,
  ): number {
    if (page.length > 0 && page.indexOf(START) < 0 && page.indexOf('"stats"') < 0) {
      throw new MeshscopeError("ADMIN_BAD_ANSWER", "The page of histograms is not what was asked for.")
    }
    let told = 0
    let at = page.indexOf(NAME)
    while (at >= 0) {
      const from = at + NAME.length
      const nameEnd = page.indexOf(QUOTE, from)
      const totals = nameEnd < 0 ? -1 : page.indexOf(TOTALS, nameEnd)
      const end = totals < 0 ? -1 : page.indexOf(CLOSE, totals)
      if (end < 0) break
      if (nameEnd - from <= MAX_NAME_BYTES) {
        const index = wanted.get(page.toString("latin1", from, nameEnd))
        if (index !== undefined && this.#changed(index, page, totals + TOTALS.length, end)) {
          readBins(page, totals + TOTALS.length, end)
          use(index, fold)
          told++
        }
      }
      at = page.indexOf(NAME, end)
    }
    return told
  }

  /** Forgets what was seen, so that the next page tells every histogram: the proxy restarted, or `wanted` changed. */
  reset(): void {
    this.#seen.fill(0)
  }

  #changed(index: number, page: Buffer, from: number, to: number): boolean {
    if (index >= this.#seen.length) {
      const bigger = new Float64Array((index + 1) * 2)
      bigger.set(this.#seen)
      this.#seen = bigger
    }
    const mark = (to - from) * 2 ** 32 + crc32(page.subarray(from, to)) + 1
    if (this.#seen[index] === mark) return false
    this.#seen[index] = mark
    return true
  }
}

/** `{"lower_bound":0,"width":0,"count":3},{…}` into `fold`. Values stand in this order; keys are not looked at. */
function readBins(page: Buffer, from: number, to: number): void {
  clearFold(fold)
  let at = from
  while (at < to) {
    const lower = page.indexOf(58, at)
    if (lower < 0 || lower >= to) return
    const width = page.indexOf(58, lower + 1)
    const count = page.indexOf(58, width + 1)
    if (width < 0 || count < 0 || count >= to) return
    addBin(fold, numberFrom(page, lower + 1), numberFrom(page, width + 1), numberFrom(page, count + 1))
    at = page.indexOf(125, count)
    if (at < 0) return
  }
}

/** The JSON number at `at`: digits and one point; with an exponent or anything else by `Number`. */
function numberFrom(page: Buffer, at: number): number {
  let value = 0
  let scale = 0
  let end = at
  for (; end < page.length && end < at + 32; end++) {
    const byte = page[end] ?? 0
    if (byte === 46 && scale === 0) scale = 1
    else if (byte >= 48 && byte <= 57) {
      value = value * 10 + byte - 48
      scale *= 10
    } else break
  }
  const next = page[end]
  if (next === 44 || next === 125) return scale > 1 ? value / scale : value
  const text = /^-?[0-9.eE+-]{1,64}/.exec(page.toString("latin1", at, at + 64))
  return text === null ? Number.NaN : Number(text[0])
}
