import type { TruthCount } from "../../../demo/truth.ts"
import { classOf } from "../../../demo/truth.ts"
import { DURATION_BOUNDS, type METRICS } from "../../../mesh/catalogue.ts"
import type { Snapshot } from "../../../mesh/snapshot.ts"

/** One number by its labels as text, so that two sides can be compared as plain objects. */
export type Counts = Record<string, number>

const KEY = [
  "reporter",
  "virtual_gateway",
  "gateway_route",
  "virtual_service",
  "virtual_router",
  "route",
  "source",
  "virtual_node",
] as const

/** `reporter=source route=r … outcome=ok` in the order of the catalogue, without empty labels. */
export function keyText(labels: Readonly<Record<string, string>>, names: readonly string[]): string {
  return names.flatMap((name) => ((labels[name] ?? "") === "" ? [] : [`${name}=${labels[name]}`])).join(" ")
}

/** Sums of a counter by the named labels. */
export function exposed(snapshot: Snapshot, metric: keyof typeof METRICS, names: readonly string[]): Counts {
  const family = snapshot.families.find(({ key }) => key === metric)
  const counts: Counts = {}
  for (const series of family?.series ?? []) {
    const key = keyText(Object.fromEntries(series.labels), names)
    counts[key] = (counts[key] ?? 0) + (snapshot.values[series.slot] ?? 0)
  }
  return Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0))
}

export const REQUEST_NAMES = [...KEY, "protocol", "code_class", "outcome"]

/** The truth in the same shape as `exposed(…, "requests", REQUEST_NAMES)`. */
export function truthRequests(rows: readonly TruthCount[]): Counts {
  const counts: Counts = {}
  for (const row of rows) {
    const key = keyText(
      {
        reporter: row.reporter,
        virtual_gateway: row.virtualGateway,
        gateway_route: row.gatewayRoute,
        virtual_service: row.virtualService,
        virtual_router: row.virtualRouter,
        route: row.route,
        source: row.source,
        virtual_node: row.virtualNode,
        protocol: row.protocol,
        code_class: classOf(row.code),
        outcome: row.outcome,
      },
      REQUEST_NAMES,
    )
    counts[key] = (counts[key] ?? 0) + row.count
  }
  return counts
}

/** Observations of the duration histograms of a reporter. */
export function durations(snapshot: Snapshot, reporter: string): number {
  const family = snapshot.families.find(({ key }) => key === "duration")
  let count = 0
  for (const series of family?.series ?? []) {
    if (!series.labels.some(([name, value]) => name === "reporter" && value === reporter)) continue
    for (let bucket = 0; bucket <= DURATION_BOUNDS.length; bucket++)
      count += snapshot.buckets[series.bucketAt + bucket] ?? 0
  }
  return count
}
