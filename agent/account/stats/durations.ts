import { DURATION_BOUNDS, type MetricKey } from "#mesh/catalogue.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"
import type { RequestRow, StatsPlan, Target } from "#mesh/request.ts"
import type { FoldedHistogram, StatsPage } from "#mesh/stats.ts"
import type { Labels, Ledger, Slot } from "../contract.ts"
import { edgeLabels, routeLabels } from "../request-labels.ts"
import { makeSlotCache, type SlotCache } from "../slot-cache.ts"
import { OwnerNames } from "./owner-names.ts"
import { hash64, hashKey } from "./series-hash.ts"

/** Cells per histogram: one per bucket, and the sum. */
const CELLS = BUCKET_COUNT + 1
const change = new Float64Array(BUCKET_COUNT)

/** Where a histogram was read: the JSON page has finer bins, so the same observations may fall into other buckets. */
const SOURCES = { unknown: 0, json: 1, page: 2 } as const
type Source = (typeof SOURCES)[keyof typeof SOURCES]

interface Wanted {
  readonly name: string
  readonly slots: (() => Slot)[]
}

/**
 * Durations of the plans that count by stats: `cluster.<c>.upstream_rq_time` for what upstreams took, and
 * `http.<p>.downstream_rq_time` for what callers waited, the latter only where all requests of the manager belong to one
 * row; a manager with several rows has one histogram, and nobody can tell their durations apart.
 */
export class Durations {
  /** Number of each wanted histogram by its raw name. */
  readonly wanted: ReadonlyMap<string, number>
  readonly #all: readonly Wanted[]
  readonly #ledger: Ledger
  /** Last cumulative counts and sum, `CELLS` per histogram. NaN: never seen. */
  readonly #base: Float64Array
  /** Of each histogram's base. */
  readonly #source: Uint8Array
  readonly #cache: SlotCache<Slot>
  readonly #owners: { readonly cluster: OwnerNames; readonly http: OwnerNames }
  /** Cumulative `le` counts of the Prometheus page as they come together. */
  readonly #cumulative: Float64Array
  readonly #bindings = new WeakMap<object, Int32Array>()
  readonly #hashes: (readonly [number, number])[] = []
  #first = true

  constructor(plan: StatsPlan, ledger: Ledger) {
    this.#ledger = ledger
    this.#all = wantedHistograms(plan, ledger)
    this.wanted = new Map(this.#all.map(({ name }, index) => [name, index]))
    this.#base = new Float64Array(this.#all.length * CELLS).fill(Number.NaN)
    this.#source = new Uint8Array(this.#all.length)
    this.#cumulative = new Float64Array(this.#all.length * CELLS)
    this.#cache = makeSlotCache(ledger)
    const owners = (scope: string, end: string) =>
      new OwnerNames(
        this.#all
          .filter(({ name }) => name.startsWith(`${scope}.`) && name.endsWith(end))
          .map(({ name }) => name.slice(scope.length + 1, -end.length)),
      )
    this.#owners = {
      cluster: owners("cluster", ".upstream_rq_time"),
      http: owners("http", ".downstream_rq_time"),
    }
  }

  /** The proxy began anew: its histograms are empty. */
  begun(): void {
    this.#base.fill(0)
    this.#source.fill(SOURCES.unknown)
    this.#first = false
  }

  /** A histogram of the JSON page. */
  take(index: number, histogram: FoldedHistogram): void {
    this.#take(index, histogram, SOURCES.json)
  }

  #take(index: number, histogram: FoldedHistogram, source: Source): void {
    const at = index * CELLS
    const before = this.#source[index] ?? SOURCES.unknown
    this.#source[index] = source
    if (before !== SOURCES.unknown && before !== source) {
      // What came between the last look at one page and the first at the other is lost to the durations.
      this.#rebase(at, histogram)
      return
    }
    const known = !Number.isNaN(this.#base[at] ?? Number.NaN)
    const fell = known && histogram.counts.some((count, bucket) => count < (this.#base[at + bucket] ?? 0))
    const whole = fell || !known
    let sum = histogram.sumSeconds - (whole ? 0 : (this.#base[at + BUCKET_COUNT] ?? 0))
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      const count = histogram.counts[bucket] ?? 0
      change[bucket] = count - (whole ? 0 : (this.#base[at + bucket] ?? 0))
      this.#base[at + bucket] = count
    }
    this.#base[at + BUCKET_COUNT] = histogram.sumSeconds
    if (!known && this.#first) return
    if (!(sum >= 0)) sum = 0
    this.#absorb(index, sum)
  }

  /** After a page of the proxy was read: from now on a histogram that appears is new and counts whole. */
  lookedAt(): void {
    this.#first = false
  }

  /** Buckets of a Prometheus page. */
  takePage(page: StatsPage, everything: boolean): void {
    const places = this.#bind(page)
    const lines = everything ? page.lines : page.changedCount
    const touched = new Set<number>()
    for (let index = 0; index < lines; index++) {
      const line = everything ? index : (page.changed[index] ?? 0)
      const place = places[line] ?? -1
      if (place < 0) continue
      this.#cumulative[place] = page.values[line] ?? 0
      touched.add(Math.floor(place / CELLS))
    }
    for (const histogram of touched) this.#take(histogram, this.#folded(histogram), SOURCES.page)
  }

  #rebase(at: number, { counts, sumSeconds }: FoldedHistogram): void {
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) this.#base[at + bucket] = counts[bucket] ?? 0
    this.#base[at + BUCKET_COUNT] = sumSeconds
  }

  /** Values to keep, as pairs of a hash and a number. */
  save(put: (hash: readonly [number, number], value: number) => void): void {
    for (let at = 0; at < this.#base.length; at += CELLS) {
      if (Number.isNaN(this.#base[at] ?? Number.NaN)) continue
      for (let cell = at; cell < at + CELLS; cell++) {
        const value = this.#base[cell] ?? 0
        // The first cell says that the histogram is known, also when it is empty.
        if (value !== 0 || cell === at) put(this.#hashOf(cell), value)
      }
      put(this.#sourceHash(at / CELLS), this.#source[at / CELLS] ?? SOURCES.unknown)
    }
  }

  restore(values: ReadonlyMap<number, number>): void {
    this.#first = false
    for (let at = 0; at < this.#base.length; at += CELLS) {
      if (!values.has(hashKey(...this.#hashOf(at)))) continue
      for (let cell = at; cell < at + CELLS; cell++) {
        this.#base[cell] = values.get(hashKey(...this.#hashOf(cell))) ?? 0
      }
      this.#source[at / CELLS] = values.get(hashKey(...this.#sourceHash(at / CELLS))) ?? SOURCES.unknown
    }
  }

  #sourceHash(index: number): readonly [number, number] {
    return hash64(`~${this.#all[index]?.name}.source`)
  }

  #hashOf(cell: number): readonly [number, number] {
    let hash = this.#hashes[cell]
    if (hash === undefined) {
      hash = hash64(`~${this.#all[Math.floor(cell / CELLS)]?.name}.${cell % CELLS}`)
      this.#hashes[cell] = hash
    }
    return hash
  }

  #absorb(index: number, sum: number): void {
    for (const [which, find] of (this.#all[index]?.slots ?? []).entries()) {
      this.#ledger.absorb(this.#cache.of(index * 64 + which, find), change, 0, sum)
    }
  }

  #folded(histogram: number): FoldedHistogram {
    const counts = new Float64Array(BUCKET_COUNT)
    let below = 0
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      const upTo = Math.max(below, this.#cumulative[histogram * CELLS + bucket] ?? 0)
      counts[bucket] = upTo - below
      below = upTo
    }
    return { counts, sumSeconds: (this.#cumulative[histogram * CELLS + BUCKET_COUNT] ?? 0) / 1000 }
  }

  #bind(page: StatsPage): Int32Array {
    const known = this.#bindings.get(page.layout)
    if (known !== undefined) return known
    const places = new Int32Array(page.lines).fill(-1)
    for (let line = 0; line < page.lines; line++) {
      const key = page.key(line)
      if (key?.histogram === undefined || (key.scope !== "cluster" && key.scope !== "http")) continue
      const [owner, rest] = this.#owners[key.scope].split(key)
      const series = key.scope === "cluster" ? "upstream_rq_time" : "downstream_rq_time"
      if (owner < 0 || rest !== series) continue
      const index = this.#indexOf(key.scope, owner)
      const cell = cellOf(key.histogram)
      if (cell >= 0 && index >= 0) places[line] = index * CELLS + cell
    }
    this.#bindings.set(page.layout, places)
    return places
  }

  /** `OwnerNames` numbers the histograms of its own scope, in the order of all. */
  #indexOf(scope: "cluster" | "http", owner: number): number {
    let left = owner
    for (const [index, { name }] of this.#all.entries()) {
      if (name.startsWith(`${scope}.`) && left-- === 0) return index
    }
    return -1
  }
}

function cellOf(histogram: number | "sum" | "count"): number {
  if (histogram === "sum") return BUCKET_COUNT
  if (histogram === "count") return -1
  if (histogram === Infinity) return BUCKET_COUNT - 1
  // Envoy's bounds of these histograms are milliseconds; those that are not ours fall within the next of ours.
  return DURATION_BOUNDS.findIndex((bound) => Math.abs(bound * 1000 - histogram) < 1e-9)
}

function wantedHistograms(plan: StatsPlan, ledger: Ledger): Wanted[] {
  const wanted = new Map<string, Wanted>()
  const asked = new Set<string>()
  const want = (name: string, metric: MetricKey, own: Labels): void => {
    const labels = { ...own, provenance: "stats" }
    // A cluster that two plans name for the same edge has one histogram.
    const text = JSON.stringify([name, metric, labels])
    if (asked.has(text)) return
    asked.add(text)
    const known = wanted.get(name) ?? { name, slots: [] }
    wanted.set(name, known)
    known.slots.push(() => ledger.slot(metric, labels))
  }
  for (const http of plan.http) {
    if (http.provenance !== "stats") continue
    for (const { statName, row, target } of http.clusters) {
      if (row.reporter === "gateway") continue
      want(`cluster.${statName}.upstream_rq_time`, "upstreamDuration", edgeLabels(row, target))
    }
    const only = onlyRow(http.clusters)
    if (only === undefined) continue
    want(`http.${http.statPrefix}.downstream_rq_time`, "duration", {
      ...routeLabels(only.row),
      virtual_node: only.target.name,
    })
  }
  return [...wanted.values()]
}

function onlyRow(
  clusters: readonly { readonly row: RequestRow; readonly target: Target }[],
): { readonly row: RequestRow; readonly target: Target } | undefined {
  const [first] = clusters
  if (first === undefined) return undefined
  return clusters.every(({ row, target }) => row.id === first.row.id && target.id === first.target.id)
    ? first
    : undefined
}
