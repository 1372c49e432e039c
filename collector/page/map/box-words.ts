import type { Health } from "#mesh/health.ts"
import type { GraphEdge, GraphNode, GraphView } from "../../view/graph.ts"
import { routeHref } from "../row.ts"
import { link, type PageQuery } from "../shell.ts"
import { grouped, leastRate, percent, rate } from "../words.ts"

export const KIND_WORDS = {
  mesh: "mesh",
  virtual_gateway: "gateway",
  gateway_route: "gateway route",
  virtual_service: "virtual service",
  virtual_router: "virtual router",
  route: "route",
  virtual_node: "virtual node",
} as const

/** `2 of 3 hosts out`; empty when all are well or nobody tells. */
export function hostsText({ hosts }: GraphNode): string {
  return hosts !== null && hosts.healthy < hosts.total
    ? `${hosts.total - hosts.healthy} of ${hosts.total} hosts out`
    : ""
}

/** Whether all that is known of it are connections. */
export function isTcp({ tcp, numbers }: GraphNode): boolean {
  return tcp !== null && (numbers === null || numbers.requests === 0)
}

export function tcpText({ tcp }: GraphNode): string {
  if (tcp === null) return ""
  const open = tcp.activeConnections === null ? "" : ` · ${grouped(tcp.activeConnections)} open`
  const broken = tcp.closedWithError === 0 ? "" : ` · ${grouped(tcp.closedWithError)} failed`
  return `TCP${open} · ${rate(tcp.openedPerSecond)}/s${broken}`
}

/** What is written in a box that has one line: the error ratio where it matters, else the rate. */
export function shortText(node: GraphNode): string {
  const { numbers, health } = node
  if (health === "unknown") return "?"
  if (isTcp(node)) return "TCP"
  if (health === "failing" || health === "degraded")
    return `${percent(numbers?.errorRatio ?? null, 1) ?? "–"} %`
  return `${rate(numbers?.requestsPerSecond ?? 0)}/s`
}

/** What is written below a box's name. An unknown one says why. */
export function boxText(node: GraphNode, minutes: string): string {
  const { numbers, health } = node
  const why = node.why ?? (health === "unknown" ? "not known" : "")
  const requests = numbers?.requests ?? 0
  const perSecond = numbers?.requestsPerSecond ?? null
  const told = health === "unknown" ? leastRate(perSecond) : rate(perSecond)
  const parts = [
    isTcp(node) ? tcpText(node) : requests > 0 ? `${told}/s` : "",
    requests > 0 && why === "" ? `${percent(numbers?.errorRatio ?? null, 1) ?? "–"} %` : "",
    requests === 0 && why === "" && !isTcp(node) ? `no request in ${minutes}` : "",
    why,
    hostsText(node),
  ]
  return parts.filter((text) => text !== "").join(" · ")
}

export function boxHref(node: GraphNode, query: PageQuery): string {
  if (node.routeId !== null) return routeHref(node.routeId, query)
  const filter = node.kind === "virtual_node" ? "target" : "q"
  return link("/routes", query, { [filter]: node.name })
}

/** What flows along an edge. */
export interface Flow {
  readonly health: Health
  readonly requestsPerSecond: number | null
  readonly errorRatio: number | null
}

/** Nobody measures an edge of pure structure: it carries what its narrower end does. */
export function flowOf(edge: GraphEdge, nodes: ReadonlyMap<string, GraphNode>): Flow {
  if (edge.kind !== "declared") return edge
  const end = nodes.get(edge.target)
  const narrow = end?.kind === "virtual_router" ? nodes.get(edge.source) : end
  return {
    health: narrow?.health ?? edge.health,
    requestsPerSecond: narrow?.numbers?.requestsPerSecond ?? null,
    errorRatio: narrow?.numbers?.errorRatio ?? null,
  }
}

/** Names of nodes that call each service, by the service's id. */
export function callersOf(view: GraphView): ReadonlyMap<string, readonly string[]> {
  const names = new Map(view.nodes.map((node) => [node.id, node.name]))
  const found = new Map<string, string[]>()
  for (const edge of view.edges) {
    const name = names.get(edge.source)
    if (edge.kind === "call" && name !== undefined)
      found.set(edge.target, [...(found.get(edge.target) ?? []), name])
  }
  return new Map([...found].map(([id, all]) => [id, all.toSorted((a, b) => (a < b ? -1 : 1))]))
}

/** `yelb-appserver and -v2`: a name that continues one before it is told by what it adds. */
export function joinedNames(names: readonly string[]): string {
  const told = names.map((name, index) => {
    const stem = names.slice(0, index).find((before) => name.startsWith(`${before}-`))
    return stem === undefined ? name : name.slice(stem.length)
  })
  const last = told.at(-1) ?? ""
  return told.length < 2 ? last : `${told.slice(0, -1).join(", ")} and ${last}`
}
