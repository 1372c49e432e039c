import type { Family, Series, Snapshot } from "#mesh/snapshot.ts"

/** Series of one family that left. */
export interface Ended {
  readonly family: Family
  readonly series: readonly Series[]
}

export interface EndedSeries {
  /**
   * Series that were there at the last `told` and have left. One that came back is not among them. `told`: the receiver will
   * hear of them, and of what is there now.
   */
  since(): { readonly ended: readonly Ended[]; told(): void }
}

/**
 * Watches which series leave. After a restart it knows of none: receivers forget those after some minutes.
 * @param watched only these families
 */
export function makeEndedSeries(
  snapshot: Snapshot,
  watched: (family: Family) => boolean = () => true,
): EndedSeries {
  const known = new Map<Family["key"], { readonly removals: number; readonly series: readonly Series[] }>()
  return {
    since() {
      const families = snapshot.families.filter((family) => watched(family))
      const now = families.map(({ key, removals, series }) => ({
        key,
        removals,
        // Where nothing left, the same places hold the same series.
        series: series.slice(),
      }))
      const ended = families
        .map((family) => ({ family, series: left(known.get(family.key), family) }))
        .filter(({ series }) => series.length > 0)
      return {
        ended,
        told: () => {
          for (const { key, ...rest } of now) known.set(key, rest)
        },
      }
    },
  }
}

function left(
  before: { readonly removals: number; readonly series: readonly Series[] } | undefined,
  family: Family,
): readonly Series[] {
  if (before === undefined || before.removals === family.removals) return []
  const present = new Set(family.series.map((series) => textOf(series)))
  return before.series.filter((series) => !present.has(textOf(series)))
}

function textOf(series: Series): string {
  return JSON.stringify(series.labels)
}
