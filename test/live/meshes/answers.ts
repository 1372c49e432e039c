import type { ResourceNode, ResourcesView } from "../../../collector/view/resources.ts"
import type { RouteDetailView } from "../../../collector/view/route-detail.ts"
import type { RouteRow } from "../../../collector/view/route-row.ts"
import type { RoutesView } from "../../../collector/view/routes.ts"
import type { MeshRig } from "./rig.ts"

type Ask = MeshRig["ask"]

/** `kind name`, and ` (not declared)` where it is so: the whole tree of resources, in any order. */
export async function resourceList(ask: Ask): Promise<string[]> {
  const { meshes } = await ask<ResourcesView>("/resources?window=60m")
  const below = (node: ResourceNode): ResourceNode[] => [node, ...node.children.flatMap(below)]
  return meshes
    .flatMap(below)
    .map(({ kind, name, declared }) => `${kind} ${name}${declared ? "" : " (not declared)"}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
}

/** Requests that a virtual node saw itself, by node, without zeros. */
export async function nodeRequests(ask: Ask): Promise<Record<string, number>> {
  const { meshes } = await ask<ResourcesView>("/resources?window=60m")
  const nodes = meshes.flatMap(({ children }) => children).filter(({ kind }) => kind === "virtual_node")
  return Object.fromEntries(
    nodes.flatMap(({ name, numbers }) =>
      numbers === null || numbers.requests === 0 ? [] : [[name, numbers.requests]],
    ),
  )
}

/** How each row of the routes view is told in a test: its names and what is synthetic about it. */
function rowText({ key, synthetic }: RouteRow): string {
  const names = [key.virtualGateway, key.gatewayRoute, key.virtualService, key.virtualRouter, key.route]
  return `${names.filter((name) => name !== "").join(" > ")}${synthetic === null ? "" : ` [${synthetic}]`}`
}

/** `ok/client errors/errors/aborted` of each row with traffic, by caller and target: `row: caller -> target`. */
export async function routeCounts(ask: Ask): Promise<Record<string, string>> {
  const { rows } = await ask<RoutesView>("/routes?window=60m&limit=500")
  const counts: Record<string, string> = {}
  for (const row of rows) {
    const detail = await ask<RouteDetailView>(`/routes/${row.id}?window=60m`)
    if (row.numbers.requests + row.numbers.aborted === 0) continue
    const { ok, clientErrors, errors, aborted } = row.numbers
    counts[rowText(row)] = [ok, clientErrors, errors, aborted].join("/")
    for (const { virtualNode, numbers } of detail.targets)
      counts[`${rowText(row)} -> ${virtualNode}`] = [
        numbers.ok,
        numbers.clientErrors,
        numbers.errors,
        numbers.aborted,
      ].join("/")
    for (const { name, numbers } of detail.callers)
      if (name !== "")
        counts[`${name} => ${rowText(row)}`] = [
          numbers.ok,
          numbers.clientErrors,
          numbers.errors,
          numbers.aborted,
        ].join("/")
  }
  return counts
}
