/** What was given up, by reason. Reasons are words of ours; a sink that makes them of what it read cannot grow the map. */
export type DropCounts = Map<string, number>

const MOST_REASONS = 32
const WORD = /^[a-z][a-z0-9_]{0,39}$/

export function countDrop(counts: DropCounts, reason: string, things: number): void {
  if (things <= 0) return
  const known = counts.has(reason) || (counts.size < MOST_REASONS && WORD.test(reason))
  const key = known ? reason : "other"
  counts.set(key, (counts.get(key) ?? 0) + things)
}
