import { classOf, placeLabels, summed, type TruthCount } from "./truth.ts"

/** One number by its labels, e.g. a series of `mesh_requests_total`. */
export interface Counted {
  readonly labels: Readonly<Record<string, string>>
  readonly count: number
}

export interface Difference {
  readonly labels: Readonly<Record<string, string>>
  readonly truth: number
  readonly told: number
}

/** The labels of `mesh_requests_total` that the truth knows; those that are empty are left out. */
function requestLabels(row: TruthCount): Readonly<Record<string, string>> {
  return withoutEmpty({
    ...placeLabels(row),
    code_class: classOf(row.code),
    outcome: row.outcome,
  })
}

function withoutEmpty(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ""))
}

/** What names a row of the collector's routes view: the gateway's own route, or the route whoever calls it. */
export function routeLabels(
  reporter: string,
  text: (name: "virtualGateway" | "gatewayRoute" | "virtualService" | "virtualRouter" | "route") => string,
): Readonly<Record<string, string>> {
  return reporter === "gateway"
    ? withoutEmpty({
        reporter,
        virtual_gateway: text("virtualGateway"),
        gateway_route: text("gatewayRoute"),
      })
    : withoutEmpty({
        reporter,
        virtual_service: text("virtualService"),
        virtual_router: text("virtualRouter"),
        route: text("route"),
      })
}

/** The truth as that view tells it: by route and outcome; what destinations saw has no route. */
export function truthByRoutes(rows: readonly TruthCount[]): readonly Counted[] {
  const seen = rows.filter(({ reporter }) => reporter !== "destination")
  return summed(seen, (row) =>
    Object.assign(
      { outcome: row.outcome },
      routeLabels(row.reporter, (name) => row[name]),
    ),
  )
}

export function truthByLabels(rows: readonly TruthCount[]): readonly Counted[] {
  return summed(rows, requestLabels)
}

/** What differs, largest first; empty when both agree to the request. Counts of equal labels are added up. */
export function differences(truth: readonly Counted[], told: readonly Counted[]): readonly Difference[] {
  const all = new Map<string, { labels: Counted["labels"]; truth: number; told: number }>()
  const add = (side: "truth" | "told", { labels, count }: Counted): void => {
    const key = JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    const entry = all.get(key) ?? { labels, truth: 0, told: 0 }
    entry[side] += count
    all.set(key, entry)
  }
  for (const counted of truth) add("truth", counted)
  for (const counted of told) add("told", counted)
  return [...all.values()]
    .filter((entry) => entry.truth !== entry.told)
    .toSorted((a, b) => Math.abs(b.truth - b.told) - Math.abs(a.truth - a.told))
}
