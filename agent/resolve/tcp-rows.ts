import type { VirtualService } from "#mesh/declared.ts"
import type { RequestRow } from "#mesh/request.ts"
import { AWS, SHARED, UNDECLARED, UNKNOWN } from "#mesh/resource.ts"
import type { DeclaredIndex } from "./declared-index.ts"
import type { Rows } from "./rows.ts"
import type { KnownCluster, TcpWay, Topology } from "./topology.ts"

/**
 * Rows of outgoing TCP connections by cluster. A TCP proxy names no virtual service: it is the one among the declared
 * backends that leads to the cluster's node, on the port that the chain asks for. Several such services are `(shared)`;
 * without a declared model it is `(unknown)`.
 */
export function tcpRows(
  topology: Topology,
  declared: DeclaredIndex,
  rows: Rows,
  ownNode: string,
): ReadonlyMap<string, RequestRow> {
  const found = new Map<string, RequestRow>()
  for (const way of topology.tcp) {
    if (way.side !== "outbound") continue
    const nodes = nodesOf(way, topology)
    for (const { name } of way.filter.clusters) {
      const service = serviceOf(
        topology.clusters.get(name),
        nodes,
        way.chain.destinationPort,
        declared,
        ownNode,
      )
      const row = rows.source({ virtualService: service })
      const before = found.get(name)
      // One cluster behind two chains of different services.
      found.set(name, before === undefined || before === row ? row : rows.source({ virtualService: SHARED }))
    }
  }
  return found
}

function nodesOf(way: TcpWay, topology: Topology): string[] {
  const nodes: string[] = []
  for (const { name } of way.filter.clusters) {
    const meaning = topology.clusters.get(name)?.meaning
    if (meaning?.kind === "node") nodes.push(meaning.node)
  }
  return nodes
}

function serviceOf(
  cluster: KnownCluster | undefined,
  nodes: readonly string[],
  port: number | undefined,
  declared: DeclaredIndex,
  ownNode: string,
): string {
  if (cluster?.meaning.kind === "node" && cluster.meaning.service !== undefined)
    return cluster.meaning.service
  if (cluster?.meaning.kind === "undeclared") return UNDECLARED
  if (cluster?.meaning.kind === "aws") return AWS
  const backends = new Set(declared.node(ownNode)?.backends)
  const all = [...declared.services()].filter((service) => leadsTo(service, nodes, declared))
  const own = all.filter(({ name }) => backends.has(name))
  const known = own.length > 0 ? own : all
  const here = known.filter(({ name }) => port !== undefined && declared.ports(name).includes(port))
  const services = here.length > 0 ? here : known
  if (services.length > 1) return SHARED
  return services[0]?.name ?? UNKNOWN
}

/** Whether the service sends to exactly these nodes (weights shift, so they do not count). */
function leadsTo(service: VirtualService, nodes: readonly string[], declared: DeclaredIndex): boolean {
  const behind = declared.behind(service.name)
  if (behind?.kind === "node") return nodes.length === 1 && nodes[0] === behind.node
  if (behind?.kind !== "router") return false
  return behind.routes.some(
    (route) =>
      route.protocol === "tcp" &&
      sameSet(
        route.targets.map((target) => target.virtualNode),
        nodes,
      ),
  )
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  const left = new Set(a)
  const right = new Set(b)
  return left.size === right.size && [...left].every((one) => right.has(one))
}
