import { KINDS, type Kind } from "#mesh/resource.ts"
import { HOME_AGENT } from "../store/home-agent.ts"
import type { GaugeRow } from "../store/series-store.ts"
import { keyOf } from "./fact.ts"
import type { Reading } from "./reading.ts"
import type { RouteKey } from "./route-row.ts"

/** One declared resource as `mesh_resource_info` tells it. Empty texts: not told. */
export interface Resource {
  readonly kind: Kind
  readonly mesh: string
  readonly flavor: string
  readonly name: string
  readonly virtualGateway: string
  readonly virtualService: string
  readonly virtualRouter: string
  /** The node that a service sits on. */
  readonly virtualNode: string
  readonly nativeKind: string
  readonly nativeName: string
  readonly namespace: string
}

export interface Weight {
  readonly key: RouteKey
  readonly virtualNode: string
  readonly weight: number
}

export const OBJECTIVE_ORIGINS = ["declared", "default"] as const
export type ObjectiveOrigin = (typeof OBJECTIVE_ORIGINS)[number]

export interface Objective {
  readonly key: RouteKey
  readonly objective: number
  readonly origin: ObjectiveOrigin
}

/** The declared model as the stream carries it. */
export interface Inventory {
  readonly resources: readonly Resource[]
  readonly weights: readonly Weight[]
  readonly objectives: readonly Objective[]
}

export function inventoryOf(reading: Reading): Inventory {
  const { resourceInfo, routeWeight, objective } = reading.gauges
  const declared = byHome(resourceInfo)
  const resources = newest(declared(resourceInfo))
    .filter((row) => row.value > 0)
    .flatMap(resourceOf)
  const weights = newest(declared(routeWeight)).map((row) => ({
    key: keyOf(row.labels),
    virtualNode: row.labels.get("virtual_node") ?? "",
    weight: row.value,
  }))
  return {
    resources,
    weights: [...weights, ...resources.flatMap(nodeWeight)],
    objectives: newest(declared(objective)).map((row) => ({
      key: keyOf(row.labels),
      objective: row.value,
      origin: row.labels.get("origin") === "default" ? "default" : "declared",
    })),
  }
}

/** A service on a node gives it everything: that is a weight too. */
function nodeWeight(resource: Resource): Weight[] {
  if (resource.kind !== "virtual_service" || resource.virtualNode === "") return []
  const { mesh, flavor, name, virtualNode } = resource
  const key = {
    mesh,
    flavor,
    virtualGateway: "",
    gatewayRoute: "",
    virtualService: name,
    virtualRouter: "",
    route: "",
  }
  return [{ key, virtualNode, weight: 1 }]
}

function resourceOf(row: GaugeRow): Resource[] {
  const kind = KINDS.find((name) => name === row.labels.get("kind"))
  const label = (name: string): string => row.labels.get(name) ?? ""
  if (kind === undefined) return []
  return [
    {
      kind,
      mesh: label("mesh"),
      flavor: label("flavor"),
      name: label("name"),
      virtualGateway: label("virtual_gateway"),
      virtualService: label("virtual_service"),
      virtualRouter: label("virtual_router"),
      virtualNode: label("virtual_node"),
      nativeKind: label("native_kind"),
      nativeName: label("native_name"),
      namespace: label("namespace"),
    },
  ]
}

/**
 * A mesh whose model the collector itself has is declared by it alone: an agent may still tell an older one, or the same
 * with other native names, which would count twice.
 */
function byHome(info: readonly GaugeRow[]): (rows: readonly GaugeRow[]) => readonly GaugeRow[] {
  const own = new Set(info.filter(({ agent }) => agent === HOME_AGENT).map(meshOf))
  if (own.size === 0) return (rows) => rows
  return (rows) => rows.filter((row) => row.agent === HOME_AGENT || !own.has(meshOf(row)))
}

const meshOf = ({ labels }: GaugeRow): string => `${labels.get("flavor")}/${labels.get("mesh")}`

/** Several agents may tell the same thing: one row per series, the one told last. */
function newest(rows: readonly GaugeRow[]): GaugeRow[] {
  const found = new Map<object, GaugeRow>()
  for (const row of rows) {
    const known = found.get(row.labels)
    if (known === undefined || known.atMs < row.atMs) found.set(row.labels, row)
  }
  return [...found.values()]
}
