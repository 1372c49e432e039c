import { BUCKET_COUNT, bucketOf } from "#mesh/histogram.ts"
import { type LineFault, makePushedLine, type PushedKind, readPushedLine } from "./line.ts"
import { type Printed, printedSeries } from "./printed.ts"

/** Why a line does not count. `clash`: its series has the printed name of another. `no_room`: too many series. */
export type PushedFault = LineFault | "clash" | "no_room"

/** Sums of series that live in one budget. */
export interface SumsRoom {
  readonly mostSeries: number
  take(bytes: number): boolean
  give(bytes: number): void
}

interface Series extends Printed {
  readonly key: string
  /** Counter: the sum. Gauge: the last value. Timer: observations by bucket, then the sum, ms. */
  readonly cells: Float64Array
  readonly bytes: number
  /** Monotonic, ms. */
  seenMs: number
}

/** Envoy's sink joins lines where it is told to; one line is far below a datagram's size. */
const MOST_LINE_BYTES = 4096
const NEWLINE = 10
/** Beside its texts: objects, and entries of two maps. */
const SERIES_BYTES = 300
/** A sum beyond this is no longer exact. */
const MOST = Number.MAX_SAFE_INTEGER
/** At the first byte of kept names. */
const VERSION = "1"
const line = makePushedLine()

/** What one Envoy sent, added up: differences of counters, the last value of gauges, observations of times. */
export class PushedSums {
  readonly #room: SumsRoom
  readonly #series = new Map<string, Series>()
  readonly #heads = new Set<string>()
  #sorted: readonly Series[] | undefined
  #namesChanged = false
  #bytes = 0
  /** When a counter or gauge last came: Envoy sends these together. Monotonic, ms; -Infinity: never. */
  flushedMs = -Infinity

  constructor(room: SumsRoom) {
    this.#room = room
  }

  get size(): number {
    return this.#series.size
  }

  /** Takes all lines of a datagram. */
  take(bytes: Buffer, nowMs: number, failed: (fault: PushedFault) => void): void {
    let at = 0
    while (at < bytes.length) {
      const found = bytes.indexOf(NEWLINE, at)
      const end = found < 0 ? bytes.length : found
      if (end > at) {
        const fault = end - at > MOST_LINE_BYTES ? "too_long" : this.#line(bytes, at, end, nowMs)
        if (fault !== undefined) failed(fault)
      }
      at = end + 1
    }
  }

  #line(bytes: Buffer, start: number, end: number, nowMs: number): PushedFault | undefined {
    const fault = readPushedLine(bytes, start, end, line)
    if (fault !== undefined) return fault
    const series = this.#series.get(line.key) ?? this.#add(line.key, line.kind, nowMs)
    if (typeof series === "string") return series
    if (!count(series, line.value)) return "bad_value"
    series.seenMs = nowMs
    if (line.kind !== "timer") this.flushedMs = nowMs
    return undefined
  }

  #add(key: string, kind: PushedKind, seenMs: number): Series | PushedFault {
    if (this.#series.size >= this.#room.mostSeries) return "no_room"
    const printed = printedSeries(key, kind)
    if (typeof printed === "string") return printed
    if (printed.heads.some((head) => this.#heads.has(head))) return "clash"
    const bytes = printed.heads.reduce((all, { length }) => all + length, key.length + SERIES_BYTES)
    if (!this.#room.take(bytes)) return "no_room"
    const cells = new Float64Array(kind === "timer" ? BUCKET_COUNT + 1 : 1)
    const series = { ...printed, key, cells, bytes, seenMs }
    this.#bytes += bytes
    this.#series.set(key, series)
    for (const head of printed.heads) this.#heads.add(head)
    this.#sorted = undefined
    this.#namesChanged = true
    return series
  }

  /**
   * A page as Envoy's for Prometheus, but with sums since `ageSeconds`.
   * @param sinceMs monotonic: a gauge that did not come since then is one that is gone
   */
  page(ageSeconds: number, sinceMs: number): Buffer {
    this.#sorted ??= [...this.#series.values()].toSorted((a, b) => (headOf(a) < headOf(b) ? -1 : 1))
    const lines = ["# Sums of what was sent.", `envoy_pushed_age ${ageSeconds}`]
    for (const series of this.#sorted) {
      if (series.kind === "timer") printTimer(series, lines)
      else if (series.kind === "counter" || series.seenMs >= sinceMs)
        lines.push(`${headOf(series)}${series.cells[0] ?? 0}`)
    }
    return Buffer.from(`${lines.join("\n")}\n`, "latin1")
  }

  /** Lets go of series that Envoy no longer has: it sends every counter and gauge again and again. */
  forget(sinceMs: number): void {
    for (const series of this.#series.values()) {
      // Times come only when there is one.
      if (series.kind === "timer" || series.seenMs >= sinceMs) continue
      this.#series.delete(series.key)
      for (const head of series.heads) this.#heads.delete(head)
      this.#bytes -= series.bytes
      this.#room.give(series.bytes)
      this.#sorted = undefined
      this.#namesChanged = true
    }
  }

  /** Gives its room back. */
  close(): void {
    this.#room.give(this.#bytes)
    this.#bytes = 0
    this.#series.clear()
    this.#heads.clear()
  }

  /** Names of what is added up, in the order of `values`; undefined where they are those of the last call. */
  names(): Uint8Array | undefined {
    if (!this.#namesChanged) return undefined
    this.#namesChanged = false
    return Buffer.from([VERSION, ...this.#added().map(({ key }) => key)].join("\n"), "latin1")
  }

  /** Gauges come whole with the next flush. */
  #added(): Series[] {
    return [...this.#series.values()].filter(({ kind }) => kind !== "gauge")
  }

  /** What is added up, to keep. */
  values(): Float64Array {
    const all = this.#added()
    const values = new Float64Array(all.reduce((length, { cells }) => length + cells.length, 0))
    let at = 0
    for (const { cells } of all) {
      values.set(cells, at)
      at += cells.length
    }
    return values
  }

  /** Goes on where another was, before anything is taken. @returns false where the two do not belong together */
  restore(names: Uint8Array, values: Float64Array, nowMs: number): boolean {
    const [version, ...keys] = Buffer.from(names).toString("latin1").split("\n")
    if (version !== VERSION) return false
    let at = 0
    for (const key of keys) {
      const series = this.#add(key, kindOf(key), nowMs)
      const cells = typeof series === "string" ? undefined : series.cells
      if (cells === undefined || at + cells.length > values.length) return false
      cells.set(values.subarray(at, at + cells.length))
      at += cells.length
    }
    return at === values.length
  }
}

const headOf = ({ heads }: Series): string => heads[0] ?? ""

/** @returns whether what is added up stays exact */
function count({ kind, cells }: Series, value: number): boolean {
  if (kind === "gauge") cells[0] = value
  else if (kind === "counter") return add(cells, 0, value)
  else if (!add(cells, BUCKET_COUNT, value)) return false
  else add(cells, bucketOf(value / 1000), 1)
  return true
}

function add(cells: Float64Array, at: number, value: number): boolean {
  const sum = (cells[at] ?? 0) + value
  if (sum > MOST) return false
  cells[at] = sum
  return true
}

function printTimer({ heads, cells }: Series, lines: string[]): void {
  let below = 0
  for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
    below += cells[bucket] ?? 0
    lines.push(`${heads[bucket]}${below}`)
  }
  lines.push(`${heads[BUCKET_COUNT]}${cells[BUCKET_COUNT] ?? 0}`, `${heads[BUCKET_COUNT + 1]}${below}`)
}

function kindOf(key: string): PushedKind {
  const at = key.indexOf("|") + 1
  return key[at] === "m" ? "timer" : key[at] === "g" ? "gauge" : "counter"
}
