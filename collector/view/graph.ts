import { createHash } from "node:crypto"
import type { Health } from "#mesh/health.ts"
import type { Kind } from "#mesh/resource.ts"
import type { Answer, HostsSeen, RequestNumbers, TcpNumbers } from "./answer.ts"
import type { Board } from "./board.ts"
import { edgesOf } from "./graph-edges.ts"
import { resourceId } from "./resource-states.ts"
import { type ResourceNode, resourcesView } from "./resources.ts"
import type { RouteRow, Synthetic } from "./route-row.ts"

/** One box. `layer` is its column: gateway 0, gateway route 1, service 2, router 3, route 4, node 5. */
export interface GraphNode {
  readonly id: string
  readonly kind: Kind
  readonly mesh: string
  readonly name: string
  readonly namespace: string | null
  readonly layer: number
  readonly health: Health
  /** Why its state is unknown, or what its callers meet that it does not see itself; else null. */
  readonly why: string | null
  readonly synthetic: Synthetic | null
  readonly declared: boolean
  readonly numbers: RequestNumbers | null
  readonly tcp: TcpNumbers | null
  readonly hosts: HostsSeen | null
  /** Id in the routes view, when the box is a route. */
  readonly routeId: string | null
  /** Services only: names of virtual nodes that call it (not drawn backwards). */
  readonly calledBy: readonly string[]
}

/**
 * `declared`: structure (gateway to gateway route, service to router, router to route).
 * `target`: a route or service to a node. `forward`: a gateway route to a service. `call`: a node to a service.
 */
export type EdgeKind = "declared" | "target" | "forward" | "call"

export interface GraphEdge {
  readonly id: string
  readonly source: string
  readonly target: string
  readonly kind: EdgeKind
  readonly protocol: "http" | "tcp"
  readonly health: Health
  /** null where nobody measures the edge. */
  readonly requestsPerSecond: number | null
  readonly errorRatio: number | null
  readonly p95Ms: number | null
  /** Declared weight; null when none is declared. */
  readonly weight: number | null
}

export interface GraphView extends Answer {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  /** Changes only when boxes or edges come or go: the key for a cached layout. */
  readonly topology: string
}

/** Boxes by kind and the edges between them: structure as declared, traffic as measured by the callers. */
export function graphView(board: Board): GraphView {
  const resources = resourcesView(board)
  const nodes = [
    ...resources.meshes.flatMap((mesh) => boxesOf(board, mesh)),
    ...board.rows.filter((row) => row.synthetic !== null).map(syntheticBox),
  ]
  const known = new Map(nodes.map((node) => [node.id, node]))
  const edges = edgesOf(board)
    .filter((edge) => known.has(edge.source) && known.has(edge.target))
    .map((edge) => carried(edge, known))
  const names = [...nodes.map((node) => node.id), ...edges.map((edge) => edge.id)].toSorted().join("\n")
  return {
    ...board.head,
    nodes: withCallers(nodes, board),
    edges,
    topology: createHash("sha256").update(names).digest("base64url").slice(0, 16),
  }
}

/** Nobody measures an edge of pure structure: it carries what its narrower end does. */
function carried(edge: GraphEdge, nodes: ReadonlyMap<string, GraphNode>): GraphEdge {
  if (edge.kind !== "declared") return edge
  const target = nodes.get(edge.target)
  const end = target?.kind === "virtual_router" ? nodes.get(edge.source) : target
  if (end === undefined) return edge
  const { health, numbers } = end
  return {
    ...edge,
    health,
    requestsPerSecond: numbers?.requestsPerSecond ?? null,
    errorRatio: numbers?.errorRatio ?? null,
    p95Ms: numbers?.p95Ms ?? null,
  }
}

const LAYERS: Readonly<Record<Kind, number>> = {
  mesh: 0,
  virtual_gateway: 0,
  gateway_route: 1,
  virtual_service: 2,
  virtual_router: 3,
  route: 4,
  virtual_node: 5,
}

function boxesOf(board: Board, mesh: ResourceNode): GraphNode[] {
  const below = (node: ResourceNode): ResourceNode[] => [node, ...node.children.flatMap(below)]
  return mesh.children.flatMap(below).map((node) => ({
    id: node.id,
    kind: node.kind,
    mesh: node.mesh,
    name: node.name,
    namespace: node.namespace,
    layer: LAYERS[node.kind],
    health: node.health,
    why: node.why,
    synthetic: null,
    declared: node.declared,
    numbers: node.numbers,
    tcp: node.tcp,
    hosts: node.hosts,
    routeId: node.routeIds.length === 1 ? (node.routeIds[0] ?? null) : null,
    calledBy: [],
  }))
}

function syntheticBox(row: RouteRow): GraphNode {
  return {
    id: `row/${row.id}`,
    kind: row.kind === "service" ? "virtual_service" : row.kind,
    mesh: row.key.mesh,
    name: row.name === "" ? row.key.virtualService : row.name,
    namespace: null,
    layer: row.kind === "gateway_route" ? LAYERS.gateway_route : LAYERS.route,
    health: row.health,
    why: row.health === "unknown" ? row.why : null,
    synthetic: row.synthetic,
    declared: false,
    numbers: row.numbers,
    tcp: row.tcp,
    hosts: null,
    routeId: row.id,
    calledBy: [],
  }
}

/** Calls of nodes are written at the service: drawn, they would run backwards and make loops. */
function withCallers(nodes: readonly GraphNode[], board: Board): GraphNode[] {
  const callers = new Map<string, Set<string>>()
  for (const fact of board.reading.requests) {
    if (fact.reporter !== "source" || fact.source === "" || fact.count === 0) continue
    const id = resourceId("virtual_service", fact.key.mesh, fact.key.flavor, fact.key.virtualService)
    const names = callers.get(id) ?? new Set<string>()
    callers.set(id, names.add(fact.source))
  }
  return nodes.map((node) => ({ ...node, calledBy: [...(callers.get(node.id) ?? [])].toSorted() }))
}
