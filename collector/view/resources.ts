import type { Health } from "#mesh/health.ts"
import type { Kind } from "#mesh/resource.ts"
import type { Answer, HostsSeen, RequestNumbers, TcpNumbers } from "./answer.ts"
import { type Board, worstOf } from "./board.ts"
import type { Resource } from "./inventory.ts"
import { type NodeState, nodeStates } from "./node-states.ts"
import { resourceId, rowsUnder, stateAbove, sumRows } from "./resource-states.ts"
import type { RouteRow } from "./route-row.ts"

/** One declared resource (or one seen in traffic that nobody declared) with what hangs below it. */
export interface ResourceNode {
  /** `pathText` of the resource. */
  readonly id: string
  readonly kind: Kind
  readonly mesh: string
  readonly flavor: string
  readonly name: string
  readonly declared: boolean
  readonly nativeKind: string | null
  readonly nativeName: string | null
  readonly namespace: string | null
  readonly health: Health
  readonly numbers: RequestNumbers | null
  readonly tcp: TcpNumbers | null
  /** Virtual nodes only, and only when a client told. */
  readonly hosts: HostsSeen | null
  /** For routes, gateway routes and services on a node: ids of their rows in the routes view. */
  readonly routeIds: readonly string[]
  /** Mesh -> gateways, services, routers, nodes; gateway -> gateway routes; router -> routes. */
  readonly children: readonly ResourceNode[]
}

export interface ResourcesView extends Answer {
  readonly meshes: readonly ResourceNode[]
  readonly total: number
}

/** The declared tree with a state on each resource; what only traffic knows is there too, marked as not declared. */
export function resourcesView(board: Board): ResourcesView {
  const { resources } = board.inventory
  const meshes = new Map<string, { mesh: string; flavor: string }>()
  for (const { mesh, flavor } of resources) meshes.set(`${mesh}\u0000${flavor}`, { mesh, flavor })
  for (const { key } of board.rows) meshes.set(`${key.mesh}\u0000${key.flavor}`, key)
  for (const proxy of board.proxies) meshes.set(`${proxy.mesh}\u0000${proxy.flavor}`, proxy)
  const nodes = nodeStates(board)
  const trees = [...meshes.values()].map(({ mesh, flavor }) => meshNode(board, nodes, mesh, flavor))
  return { ...board.head, meshes: trees, total: trees.reduce((sum, tree) => sum + sizeOf(tree), 0) }
}

function sizeOf(node: ResourceNode): number {
  return 1 + node.children.reduce((sum, child) => sum + sizeOf(child), 0)
}

function meshNode(board: Board, nodes: readonly NodeState[], mesh: string, flavor: string): ResourceNode {
  const declared = board.inventory.resources.filter(
    (resource) => resource.mesh === mesh && resource.flavor === flavor,
  )
  const rows = board.rows.filter((row) => row.key.mesh === mesh && row.key.flavor === flavor)
  const names = (kind: Kind, seen: readonly string[]): string[] => [
    ...new Set([
      ...declared.filter((resource) => resource.kind === kind).map((resource) => resource.name),
      ...seen.filter((name) => name !== "" && !name.startsWith("(")),
    ]),
  ]
  const tree = (kind: Kind, name: string, children: ResourceNode[], parent = ""): ResourceNode =>
    above(board, declared, rows, kind, mesh, flavor, name, parent, children)
  const gateways = names(
    "virtual_gateway",
    rows.map((row) => row.key.virtualGateway),
  ).map((name) =>
    tree(
      "virtual_gateway",
      name,
      childNames(declared, rows, "gateway_route", name).map((child) =>
        tree("gateway_route", child, [], name),
      ),
    ),
  )
  const routers = names(
    "virtual_router",
    rows.map((row) => row.key.virtualRouter),
  ).map((name) =>
    tree(
      "virtual_router",
      name,
      childNames(declared, rows, "route", name).map((child) => tree("route", child, [], name)),
    ),
  )
  const services = names(
    "virtual_service",
    rows.map((row) => row.key.virtualService),
  ).map((name) => tree("virtual_service", name, []))
  const own = nodes.filter((node) => node.mesh === mesh && node.flavor === flavor)
  const children = [...gateways, ...services, ...routers, ...own.map((node) => leaf(declared, node))]
  const root = tree("mesh", mesh, children)
  return { ...root, health: worstOf(children.map((child) => child.health)) }
}

/** Gateway routes of a gateway, routes of a router: declared ones in their order, then those seen. */
function childNames(
  declared: readonly Resource[],
  rows: readonly RouteRow[],
  kind: "gateway_route" | "route",
  parent: string,
): string[] {
  const named = declared
    .filter((resource) => resource.kind === kind)
    .filter((resource) => (kind === "route" ? resource.virtualRouter : resource.virtualGateway) === parent)
    .map((resource) => resource.name)
  const seen = rows
    .filter((row) => row.synthetic === null && row.kind === kind)
    .filter((row) => (kind === "route" ? row.key.virtualRouter : row.key.virtualGateway) === parent)
    .map((row) => row.name)
  return [...new Set([...named, ...seen])]
}

function above(
  board: Board,
  declared: readonly Resource[],
  rows: readonly RouteRow[],
  kind: Kind,
  mesh: string,
  flavor: string,
  name: string,
  parent: string,
  children: ResourceNode[],
): ResourceNode {
  const own = rowsUnder(board, kind, mesh, flavor, name, parent)
  const numbers = sumRows(board, own)
  const resource = declared.find(
    (entry) =>
      entry.kind === kind &&
      entry.name === name &&
      (parent === "" || entry.virtualRouter === parent || entry.virtualGateway === parent),
  )
  const leafKind = kind === "route" || kind === "gateway_route" || kind === "virtual_service"
  return {
    id: resourceId(kind, mesh, flavor, name, parent),
    kind,
    mesh,
    flavor,
    name,
    declared: resource !== undefined,
    ...nativeOf(resource),
    health: stateAbove(own, numbers),
    numbers,
    tcp: null,
    hosts: null,
    routeIds: leafKind ? rows.filter((row) => own.includes(row)).map((row) => row.id) : [],
    children,
  }
}

function leaf(declared: readonly Resource[], node: NodeState): ResourceNode {
  const resource = declared.find((entry) => entry.kind === "virtual_node" && entry.name === node.name)
  return {
    id: resourceId("virtual_node", node.mesh, node.flavor, node.name),
    kind: "virtual_node",
    mesh: node.mesh,
    flavor: node.flavor,
    name: node.name,
    declared: resource !== undefined,
    ...nativeOf(resource),
    health: node.health,
    numbers: node.numbers,
    tcp: node.tcp,
    hosts: node.hosts,
    routeIds: [],
    children: [],
  }
}

const told = (value: string | undefined): string | null =>
  value === undefined || value === "" ? null : value

export function nativeOf(
  resource: Resource | undefined,
): Pick<ResourceNode, "nativeKind" | "nativeName" | "namespace"> {
  return {
    nativeKind: told(resource?.nativeKind),
    nativeName: told(resource?.nativeName),
    namespace: told(resource?.namespace),
  }
}
