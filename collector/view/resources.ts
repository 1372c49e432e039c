import type { Health } from "#mesh/health.ts"
import type { Kind } from "#mesh/resource.ts"
import type { Answer, HostsSeen, RequestNumbers, TcpNumbers } from "./answer.ts"
import { type Board, worstOf } from "./board.ts"
import type { Resource } from "./inventory.ts"
import { type NodeState, nodeStates } from "./node-states.ts"
import { resourceId, rowsUnder, stateAbove, sumRows } from "./resource-states.ts"
import type { RouteRow } from "./route-row.ts"
import { resourceText } from "./rows-by-resource.ts"

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
  /** Why its state is unknown, or what its callers meet that it does not see itself; else null. */
  readonly why: string | null
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
  for (const proxy of board.proxies)
    if (proxy.mesh !== "") meshes.set(`${proxy.mesh}\u0000${proxy.flavor}`, proxy)
  const nodes = nodeStates(board)
  const trees = [...meshes.values()].map(({ mesh, flavor }) => meshNode(board, nodes, mesh, flavor))
  return { ...board.head, meshes: trees, total: trees.reduce((sum, tree) => sum + sizeOf(tree), 0) }
}

function sizeOf(node: ResourceNode): number {
  return 1 + node.children.reduce((sum, child) => sum + sizeOf(child), 0)
}

/** One mesh while its tree is made. */
interface Ground {
  readonly board: Board
  readonly mesh: string
  readonly flavor: string
  /** Declared resources by `resourceText`, in their order. */
  readonly declared: ReadonlyMap<string, Resource>
  readonly rows: readonly RouteRow[]
}

/** The resource that a route or gateway route belongs to; empty for the others. */
function parentOf(resource: Resource): string {
  if (resource.kind === "route") return resource.virtualRouter
  return resource.kind === "gateway_route" ? resource.virtualGateway : ""
}

function meshNode(board: Board, nodes: readonly NodeState[], mesh: string, flavor: string): ResourceNode {
  const ground: Ground = {
    board,
    mesh,
    flavor,
    declared: new Map(
      board.inventory.resources
        .filter((resource) => resource.mesh === mesh && resource.flavor === flavor)
        .map((each) => [resourceText(each.kind, mesh, flavor, each.name, parentOf(each)), each] as const),
    ),
    rows: board.rows.filter((row) => row.key.mesh === mesh && row.key.flavor === flavor),
  }
  const children = [
    ...withChildren(ground, "virtual_gateway", "gateway_route", (row) => row.key.virtualGateway),
    ...namesOf(ground, "virtual_service", (row) => row.key.virtualService).map((name) =>
      above(ground, "virtual_service", name, "", []),
    ),
    ...withChildren(ground, "virtual_router", "route", (row) => row.key.virtualRouter),
    ...nodes
      .filter((node) => node.mesh === mesh && node.flavor === flavor)
      .map((node) => leaf(ground.declared, node)),
  ]
  const root = above(ground, "mesh", mesh, "", children)
  const health = worstOf(children.map((child) => child.health))
  const why = health === "unknown" ? (children.find((child) => child.why !== null)?.why ?? null) : null
  return { ...root, health, why }
}

/** Declared names in their order, then those that only traffic knows. */
function namesOf(ground: Ground, kind: Kind, seen: (row: RouteRow) => string): string[] {
  const names = new Set<string>()
  for (const resource of ground.declared.values()) if (resource.kind === kind) names.add(resource.name)
  for (const row of ground.rows) {
    const name = seen(row)
    if (name !== "" && !name.startsWith("(")) names.add(name)
  }
  return [...names]
}

/** Gateways with their routes, or routers with theirs. */
function withChildren(
  ground: Ground,
  kind: "virtual_gateway" | "virtual_router",
  childKind: "gateway_route" | "route",
  nameIn: (row: RouteRow) => string,
): ResourceNode[] {
  const children = new Map<string, Set<string>>()
  const put = (parent: string, child: string): void => {
    const list = children.get(parent) ?? new Set<string>()
    children.set(parent, list.add(child))
  }
  for (const resource of ground.declared.values())
    if (resource.kind === childKind) put(parentOf(resource), resource.name)
  for (const row of ground.rows)
    if (row.synthetic === null && row.kind === childKind) put(nameIn(row), row.name)
  return namesOf(ground, kind, nameIn).map((name) =>
    above(
      ground,
      kind,
      name,
      "",
      [...(children.get(name) ?? [])].map((child) => above(ground, childKind, child, name, [])),
    ),
  )
}

/** Everything but a node: its numbers are those of its rows. */
function above(
  ground: Ground,
  kind: Kind,
  name: string,
  parent: string,
  children: ResourceNode[],
): ResourceNode {
  const { board, mesh, flavor } = ground
  const own = rowsUnder(board, kind, mesh, flavor, name, parent)
  const numbers = sumRows(board, own)
  const resource = ground.declared.get(resourceText(kind, mesh, flavor, name, parent))
  const health = stateAbove(own, numbers)
  const isRow = kind === "route" || kind === "gateway_route" || kind === "virtual_service"
  return {
    id: resourceId(kind, mesh, flavor, name, parent),
    kind,
    mesh,
    flavor,
    name,
    declared: resource !== undefined,
    ...nativeOf(resource),
    health,
    why: health === "unknown" ? (own.find((row) => row.health === "unknown")?.why ?? "leads nowhere") : null,
    numbers,
    tcp: isRow && own.length === 1 ? (own[0]?.tcp ?? null) : null,
    hosts: null,
    routeIds: isRow ? own.map((row) => row.id) : [],
    children,
  }
}

function leaf(declared: ReadonlyMap<string, Resource>, node: NodeState): ResourceNode {
  const resource = declared.get(resourceText("virtual_node", node.mesh, node.flavor, node.name, ""))
  return {
    id: resourceId("virtual_node", node.mesh, node.flavor, node.name),
    kind: "virtual_node",
    mesh: node.mesh,
    flavor: node.flavor,
    name: node.name,
    declared: resource !== undefined,
    ...nativeOf(resource),
    health: node.health,
    why: node.why,
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
