/** Longest text that is compared; longer ones are cut. Keeps the cost of a hostile name small. */
const LIMIT = 64

/** Edits (insert, delete, replace, swap of neighbours) from one text to the other, case ignored. */
export function editDistance(left: string, right: string): number {
  const from = left.slice(0, LIMIT).toLowerCase()
  const to = right.slice(0, LIMIT).toLowerCase()
  let before: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= to.length; j += 1) {
      const same = from[i - 1] === to[j - 1]
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1))
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      if (swapped) best = Math.min(best, (before[j - 2] ?? 0) + 1)
      row.push(best)
    }
    before = last
    last = row
  }
  return last[to.length] ?? 0
}

/** The known name that was most likely meant, or undefined when none is near. A beginning is near; the first of equals wins. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(Math.min(name.length, LIMIT) / 2))
  let nearest: string | undefined
  let least = limit + 1
  for (const candidate of known) {
    const begun = name.length > 1 && candidate.toLowerCase().startsWith(name.toLowerCase())
    const distance = begun ? 1 : editDistance(name, candidate)
    if (distance >= least) continue
    least = distance
    nearest = candidate
  }
  return nearest
}
