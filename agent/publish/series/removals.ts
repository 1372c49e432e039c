import type { Snapshot } from "#mesh/snapshot.ts"

/**
 * How many series have left so far. To be compared before and after an `await`: when it differs, indices and slots that were
 * kept over it may be those of other series.
 */
export function removals(snapshot: Snapshot): number {
  return snapshot.families.reduce((sum, family) => sum + family.removals, 0)
}
