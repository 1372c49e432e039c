/** A point of a line, or a gap. */
export type Point = readonly [x: number, y: number] | null

/** The largest of values, 0 where none is known. */
export function peak(values: readonly (number | null)[]): number {
  return Math.max(0, ...values.map((value) => value ?? 0))
}

/** Runs of points between gaps. */
function runs(points: readonly Point[]): (readonly [number, number])[][] {
  const all: (readonly [number, number])[][] = []
  let run: (readonly [number, number])[] = []
  for (const point of points) {
    if (point !== null) {
      if (run.length === 0) all.push(run)
      run.push(point)
    } else run = []
  }
  return all
}

const at = ([x, y]: readonly [number, number]): string => `${x.toFixed(1)} ${y.toFixed(1)}`

/** Path data through points; a gap lifts the pen, and a point between two gaps is a dash that ends at it. */
export function line(points: readonly Point[], dash: number): string {
  return runs(points)
    .map((run) => {
      const [first] = run
      if (first === undefined) return ""
      return run.length === 1 ? `M${at(first)}h-${dash}` : `M${run.map(at).join("L")}`
    })
    .join("")
}

/** The same, closed down to `base`. */
export function area(points: readonly Point[], base: number): string {
  return runs(points)
    .filter((run) => run.length > 1)
    .map((run) => {
      const [left] = run[0] ?? [0]
      const [right] = run.at(-1) ?? [0]
      return `M${left.toFixed(1)} ${base}L${run.map(at).join("L")}L${right.toFixed(1)} ${base}Z`
    })
    .join("")
}
