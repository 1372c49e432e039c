import type { RequestNumbers } from "../../../collector/view/answer.ts"
import type { ResourceNode, ResourcesView } from "../../../collector/view/resources.ts"
import type { RouteDetailView } from "../../../collector/view/route-detail.ts"
import type { RouteRow } from "../../../collector/view/route-row.ts"
import type { RoutesView } from "../../../collector/view/routes.ts"
import type { TruthCount } from "../../../demo/truth.ts"
import { byOutcome, type Counts, countsOf, type Labels } from "./counts.ts"
import { labelsOf } from "./truth-counts.ts"

type Ask = <T>(path: string) => Promise<T>
type Told = readonly [labels: Labels, count: number]

const ROW_NAMES = [
  "reporter",
  "virtual_gateway",
  "gateway_route",
  "virtual_service",
  "virtual_router",
  "route",
  "outcome",
]
/** The same requests are told three times: by the list of routes, by caller and target of each, and by nodes. */
const NAMES = ["view", ...ROW_NAMES, "caller", "virtual_node"]

/**
 * Per route, caller, target, reporter and outcome, as the API should tell it: gateway routes by the gateway, routes and
 * services by their callers, nodes by themselves.
 */
export function truthByRoute(rows: readonly TruthCount[]): Counts {
  return countsOf(rows.flatMap(toldOf), NAMES)
}

function toldOf(row: TruthCount): readonly Told[] {
  const { virtual_gateway = "", source, virtual_node = "", ...labels } = labelsOf(row)
  const node = { virtual_node }
  if (row.reporter === "destination") return [[{ ...labels, ...node, view: "node" }, row.count]]
  // Which gateway a call came from is no part of the route that took it.
  const own = row.reporter === "gateway" ? { ...labels, virtual_gateway } : labels
  const caller = row.reporter === "gateway" ? "" : source || virtual_gateway
  return [
    [{ ...own, view: "list" }, row.count],
    [{ ...own, ...node, caller, view: "detail" }, row.count],
  ]
}

/** The same as the collector's API tells it over the last hour. What it tells twice counts twice. */
export async function apiByRoute(ask: Ask): Promise<Counts> {
  const { rows, next } = await ask<RoutesView>("/routes?window=60m&limit=500")
  if (next !== null) throw new Error("there are more routes than one page holds")
  const told: Told[] = []
  for (const row of rows) {
    told.push(...outcomes(row.numbers, { ...keyLabels(row), view: "list" }), ...(await details(ask, row)))
  }
  const { meshes } = await ask<ResourcesView>("/resources?window=60m")
  return countsOf([...told, ...meshes.flatMap(byNode)], NAMES)
}

const outcomes = (numbers: RequestNumbers, labels: Labels): readonly Told[] =>
  byOutcome(numbers).map(([outcome, count]) => [{ ...labels, outcome }, count] as const)

const keyLabels = ({ key, reporter }: RouteRow): Labels => ({
  reporter,
  virtual_gateway: key.virtualGateway,
  gateway_route: key.gatewayRoute,
  virtual_service: key.virtualService,
  virtual_router: key.virtualRouter,
  route: key.route,
})

/** Each caller's part of a route by its targets. A gateway's own routes have no callers, and App Mesh's no targets. */
async function details(ask: Ask, row: RouteRow): Promise<readonly Told[]> {
  const all = await ask<RouteDetailView>(`/routes/${row.id}?window=60m`)
  const labels = { ...keyLabels(row), view: "detail" }
  if (row.reporter === "gateway") return byTarget(all.now, all.targets, labels)
  const parts: Told[] = []
  for (const { name: caller, numbers } of all.callers) {
    const path = `/routes/${row.id}?window=60m&caller=${encodeURIComponent(caller)}`
    const { targets } = await ask<RouteDetailView>(path)
    parts.push(...byTarget(numbers, targets, { ...labels, caller }))
  }
  return parts
}

/** What no target has never left the caller. */
function byTarget(numbers: RequestNumbers, targets: RouteDetailView["targets"], labels: Labels): Told[] {
  const placed = targets.flatMap((target) =>
    outcomes(target.numbers, { ...labels, virtual_node: target.virtualNode }),
  )
  const rest = placed.map(([own, count]) => [{ ...own, virtual_node: "" }, -count] as const)
  return [...placed, ...rest, ...outcomes(numbers, labels)]
}

function byNode({ kind, name, numbers, children }: ResourceNode): readonly Told[] {
  const labels = { view: "node", reporter: "destination", virtual_node: name }
  const own = kind === "virtual_node" && numbers !== null ? outcomes(numbers, labels) : []
  return [...own, ...children.flatMap(byNode)]
}
