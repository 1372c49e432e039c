import { DURATION_BOUNDS, type Metric } from "#mesh/catalogue.ts"

/** Buckets of a duration histogram, +Inf included, and the sum behind them. */
export const BUCKETS = DURATION_BOUNDS.length + 1
export const HISTOGRAM_WIDTH = BUCKETS + 1

/** How many cells a series of this metric takes. Gauges take none: they keep last values only. */
export function widthOf(metric: Metric): number {
  return metric.type === "histogram" ? HISTOGRAM_WIDTH : metric.type === "counter" ? 1 : 0
}

/** 16-bit counts while they fit (480 B an hour), else doubles (1,920 B). Made when a cell first counts. */
export type Ring = Uint16Array | Float64Array

/**
 * Numbers of all series: per cell one ring of past steps and one open step. A cell that never counted has no ring,
 * which is most buckets of most histograms.
 */
export interface Cells {
  /** Past steps that are kept. */
  readonly steps: number
  /** Length of a ring: one more, for the part of the open step that a restart has left behind. */
  readonly slots: number
  rings: (Ring | undefined)[]
  /** Increments of the step that is not over, by cell. */
  open: Float64Array
  /** One past the highest cell in use. */
  count: number
}

export function makeCells(steps: number): Cells {
  return { steps, slots: steps + 1, rings: [], open: new Float64Array(1024), count: 0 }
}

/** Adds `width` cells behind the last and answers the first. */
export function growCells(cells: Cells, width: number): number {
  const first = cells.count
  cells.count += width
  while (cells.rings.length < cells.count) cells.rings.push(undefined)
  if (cells.count > cells.open.length) {
    const grown = new Float64Array(Math.max(cells.count, cells.open.length * 2))
    grown.set(cells.open)
    cells.open = grown
  }
  return first
}

/** Whether a value fits a 16-bit ring: whole and below 65,536. */
function fits16(value: number): boolean {
  return (value & 65535) === value
}

/** Puts a value into a past step, with a wider ring where it must. */
export function putPast(cells: Cells, cell: number, slot: number, value: number): void {
  const ring = cells.rings[cell]
  if (ring === undefined) {
    const made = fits16(value) ? new Uint16Array(cells.slots) : new Float64Array(cells.slots)
    made[slot] = value
    cells.rings[cell] = made
  } else if (ring instanceof Uint16Array && !fits16(value)) {
    const wide = Float64Array.from(ring)
    wide[slot] = value
    cells.rings[cell] = wide
  } else ring[slot] = value
}

/** Adds to a past step. */
export function addPast(cells: Cells, cell: number, slot: number, amount: number): void {
  putPast(cells, cell, slot, (cells.rings[cell]?.[slot] ?? 0) + amount)
}

/** Forgets a range of cells, so that another series may take it. */
export function clearCells(cells: Cells, first: number, width: number): void {
  cells.rings.fill(undefined, first, first + width)
  cells.open.fill(0, first, first + width)
}
