import type { StatsPage } from "#mesh/stats.ts"
import { parseFull } from "./full-parse.ts"
import { keepText, type Layout, seriesName } from "./layout.ts"
import type { LayoutPool } from "./layout-pool.ts"
import type { PageFormat } from "./line-value.ts"
import { dropOwnPage, fewChanges, keepOwnPage, type OwnPage, walkOwnPage } from "./own-page.ts"
import { applyEdits, editedLines, editedSignature, editOrigin, patchLayout } from "./patch.ts"
import { seriesKey } from "./series-key.ts"
import { knownTail } from "./tail.ts"
import { makeWalk, walkPage } from "./walk.ts"

/**
 * What one page changed. A view: the arrays are overwritten by the next page of any reader. On a reader's first page
 * all lines changed. Values are NaN for what the page prints as `nan`.
 */
export interface PageChange extends StatsPage {
  readonly layout: Layout
  /** How the page was read: against the proxy's own last page, by a walk, with series that came or went, in full. */
  readonly how: "quiet" | "walked" | "patched" | "full"
}

const walk = makeWalk()
let everyLine = new Int32Array(1024)

/** Reads the stats pages of one proxy. Layouts are shared through the pool; only the numbers are its own. */
export class PageReader {
  readonly #format: PageFormat
  readonly #pool: LayoutPool
  #layout: Layout | undefined
  #values: Float64Array = new Float64Array(0)
  #own: OwnPage | undefined
  #cameFrom: { readonly layout: Layout; readonly origin: Int32Array } | undefined

  constructor(format: PageFormat, pool: LayoutPool) {
    this.#format = format
    this.#pool = pool
  }

  /**
   * Takes a whole page. `page` is not kept.
   * @returns what changed; valid until the next call of any reader
   */
  read(page: Buffer): PageChange {
    this.#cameFrom = undefined
    if (this.#own !== undefined) {
      if (walkOwnPage(this.#own, page, walk) && knownTail(this.#format, page, this.#own.textBytes + 1)) {
        return this.#applied("quiet")
      }
      this.#dropOwn()
    }
    const layout = this.#layout ?? this.#pool.likeliest(this.#format)
    if (layout === undefined) return this.#full(page)
    const values = this.#layout === undefined ? new Float64Array(layout.lines).fill(Number.NaN) : this.#values
    const mine = layout.textOf === this
    if (!walkPage(layout, page, values, walk, mine)) return this.#full(page)
    if (walk.inserted.count > 0 || walk.deletedCount > 0) return this.#patched(layout, values, page)
    return this.#walked(layout, values, page)
  }

  /** Lets go of everything, when the proxy is gone. */
  close(): void {
    this.#dropOwn()
    if (this.#layout !== undefined) this.#pool.release(this.#layout)
    this.#layout = undefined
    this.#values = new Float64Array(0)
  }

  #walked(layout: Layout, values: Float64Array, page: Buffer): PageChange {
    const how = this.#layout === undefined ? "full" : "walked"
    if (walk.changedCount <= fewChanges(layout.lines))
      this.#own = keepOwnPage(layout, page, this.#pool.ownPages)
    adoptWalk(layout, page, this)
    this.#hold(layout, values)
    return this.#applied(how)
  }

  /** The walk's changes become the proxy's values. */
  #applied(how: PageChange["how"]): PageChange {
    const { changedLines, changedValues, changedCount } = walk
    const values = this.#values
    for (let index = 0; index < changedCount; index++) {
      values[changedLines[index] ?? 0] = changedValues[index] ?? 0
    }
    return this.#change(how, changedLines, changedCount)
  }

  /** Series came or went: goes over to the layout that has just these, a known one or a patched copy. */
  #patched(layout: Layout, values: Float64Array, page: Buffer): PageChange {
    const origin = editOrigin(layout, walk)
    this.#cameFrom = { layout, origin }
    const signature = editedSignature(layout, page, walk)
    const known = this.#pool.find(this.#format, editedLines(layout, walk), signature)
    const how = this.#layout === undefined ? "full" : "patched"
    if (known === undefined) {
      const alone = layout === this.#layout && layout.users === 1
      const next = patchLayout(layout, page, walk, signature, alone)
      const edited = applyEdits(layout, values, walk)
      next.textOf = this
      this.#hold(next, edited)
      return this.#change(how, walk.changedLines, walk.changedCount)
    }
    const moved = Float64Array.from(origin, (old) => (old < 0 ? Number.NaN : (values[old] ?? Number.NaN)))
    // Equal hashes prove nothing; a walk without edits does.
    const exact = walkPage(known, page, moved, walk) && walk.inserted.count === 0 && walk.deletedCount === 0
    if (!exact) {
      this.#cameFrom = undefined
      return this.#full(page)
    }
    adoptWalk(known, page, this)
    this.#hold(known, moved)
    return this.#applied(how)
  }

  /** Reads from scratch. Values of names that were there before are compared, so that only changes are told. */
  #full(page: Buffer): PageChange {
    const { layout: parsed, values } = parseFull(this.#format, page)
    const known = this.#pool.find(this.#format, parsed.lines, parsed.signature)
    const before = valuesByName(this.#layout, this.#values)
    this.#hold(known !== undefined && sameNames(known, parsed) ? known : parsed, values)
    if (everyLine.length < values.length) everyLine = new Int32Array(values.length * 2)
    let changed = 0
    for (let line = 0; line < values.length; line++) {
      if (before !== undefined && Object.is(before.get(seriesName(parsed, line)), values[line])) continue
      everyLine[changed++] = line
    }
    return this.#change("full", everyLine, changed)
  }

  #hold(layout: Layout, values: Float64Array): void {
    this.#values = values
    if (this.#layout === layout) return
    this.#pool.hold(layout)
    if (this.#layout !== undefined) this.#pool.release(this.#layout)
    this.#layout = layout
  }

  #dropOwn(): void {
    if (this.#own !== undefined) dropOwnPage(this.#own, this.#pool.ownPages)
    this.#own = undefined
  }

  #change(how: PageChange["how"], changed: Int32Array, changedCount: number): PageChange {
    const layout = this.#layout
    if (layout === undefined) throw new TypeError("the reader has no layout")
    return {
      layout,
      format: layout.format,
      lines: layout.lines,
      values: this.#values,
      changed,
      changedCount,
      how,
      ...(this.#cameFrom === undefined ? {} : { cameFrom: this.#cameFrom }),
      key: (line) => seriesKey(layout.format, seriesName(layout, line)),
      name: (line) => seriesName(layout, line),
    }
  }
}

/**
 * After a proven walk without edits: the layout takes the page's widths over, when so many differ that copying the
 * page costs less than walking past the differences again; or when the reader has the layout to itself, as its next
 * page is then read against its own last one.
 */
function adoptWalk(layout: Layout, page: Buffer, reader: object): void {
  const alone = layout.users <= 1
  if (walk.widened > 0 && !alone && walk.widened <= layout.lines >>> 2) return
  layout.textOf = reader
  if (walk.widened === 0) return
  const { starts, ends } = layout
  layout.starts = layout.nextStarts
  layout.ends = layout.nextEnds
  layout.nextStarts = starts
  layout.nextEnds = ends
  keepText(layout, page)
}

function valuesByName(layout: Layout | undefined, values: Float64Array): Map<string, number> | undefined {
  if (layout === undefined) return undefined
  const byName = new Map<string, number>()
  for (let line = 0; line < layout.lines; line++) {
    byName.set(seriesName(layout, line), values[line] ?? Number.NaN)
  }
  return byName
}

function sameNames(one: Layout, other: Layout): boolean {
  if (one.lines !== other.lines) return false
  for (let line = 0; line < one.lines; line++) {
    if (seriesName(one, line) !== seriesName(other, line)) return false
  }
  return true
}
