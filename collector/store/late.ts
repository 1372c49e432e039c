import { addPast, type Cells } from "./cells.ts"

/** Increments of steps that are over: already in the rings, not yet in the journal. */
export interface Late {
  readonly pending: Map<number, Map<number, number>>
  /** Increments that happened before the memory began; counted at its oldest step. */
  clamped: number
}

export function makeLate(): Late {
  return { pending: new Map(), clamped: 0 }
}

/**
 * Spreads an amount evenly from step `since` to the open step. Whole amounts stay whole in every step, and the parts
 * always add up to the amount.
 */
export function addLate(
  late: Late,
  cells: Cells,
  cell: number,
  amount: number,
  since: number,
  open: number,
): void {
  const oldest = open - cells.steps
  if (since < oldest) late.clamped++
  const first = Math.max(since, oldest)
  const count = open - first + 1
  const whole = Number.isInteger(amount)
  let given = 0
  for (let index = 0; index < count - 1; index++) {
    const due = (amount * (index + 1)) / count
    const part = (whole ? Math.floor(due) : due) - given
    if (part <= 0) continue
    given += part
    addPast(cells, cell, (first + index) % cells.slots, part)
    remember(late, first + index, cell, part)
  }
  cells.open[cell] = (cells.open[cell] ?? 0) + amount - given
}

function remember(late: Late, tick: number, cell: number, amount: number): void {
  const byCell = late.pending.get(tick)
  if (byCell === undefined) late.pending.set(tick, new Map([[cell, amount]]))
  else byCell.set(cell, (byCell.get(cell) ?? 0) + amount)
}
