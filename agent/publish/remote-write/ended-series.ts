import type { Family, Series, Snapshot } from "#mesh/snapshot.ts"

export interface EndedSeries {
  /**
   * Series that were there at the last `told` and have left. One that came back is not among them. `told`: the receiver will
   * hear of them, and of what is there now.
   */
  since(): { readonly series: readonly (readonly [Family, Series])[]; told(): void }
}

/** Watches which series leave. After a restart it knows of none: receivers forget those after some minutes. */
export function makeEndedSeries(snapshot: Snapshot): EndedSeries {
  const known = new Map<Family["key"], { readonly removals: number; readonly series: readonly Series[] }>()
  return {
    since() {
      const now = snapshot.families.map((family) => ({
        key: family.key,
        removals: family.removals,
        // Where nothing left, the same places hold the same series.
        series: family.series.slice(),
      }))
      const series = snapshot.families.flatMap((family) =>
        left(known.get(family.key), family).map((one) => [family, one] as const),
      )
      return {
        series,
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
