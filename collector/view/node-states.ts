import { HEALTH_RULES, type Health, healthOf } from "#mesh/health.ts"
import type { HostsSeen, RequestNumbers, TcpNumbers } from "./answer.ts"
import { type Board, worstOf } from "./board.ts"
import { named } from "./fact.ts"
import { labelledNodeKey, nodeKey } from "./hosts.ts"
import type { NodeFault } from "./node-fault.ts"
import { addBuckets, noOutcomes, numbersOf, type OutcomeCounts } from "./numbers.ts"
import type { Proxy } from "./proxy-list.ts"
import { DURATION_BY } from "./reading.ts"
import { outcomesWith, type TcpSums, tcpByNode, tcpNumbers } from "./tcp.ts"
import { whyUnknown } from "./unknown.ts"

/** A virtual node by what it saw itself (reporter destination), its clients' view of its hosts, and its TCP. */
export interface NodeState {
  readonly mesh: string
  readonly flavor: string
  readonly name: string
  readonly declared: boolean
  readonly health: Health
  readonly numbers: RequestNumbers | null
  readonly tcp: TcpNumbers | null
  readonly hosts: HostsSeen | null
  /** Why its state is unknown, or what its callers meet that it does not see itself; else null. */
  readonly why: string | null
}

interface Draft {
  readonly mesh: string
  readonly flavor: string
  readonly name: string
  declared: boolean
  counts: OutcomeCounts | undefined
  buckets: Float64Array | undefined
}

/** All nodes: declared, with proxies, or seen as a target. Names in brackets are no nodes. */
export function nodeStates(board: Board): NodeState[] {
  const drafts = new Map<string, Draft>()
  const draft = (mesh: string, flavor: string, name: string): Draft => {
    const key = nodeKey(mesh, flavor, name)
    const known = drafts.get(key)
    if (known !== undefined) return known
    const made: Draft = { mesh, flavor, name, declared: false, counts: undefined, buckets: undefined }
    drafts.set(key, made)
    return made
  }
  for (const resource of board.inventory.resources)
    if (resource.kind === "virtual_node") draft(resource.mesh, resource.flavor, resource.name).declared = true
  for (const proxy of board.proxies)
    if (proxy.role === "sidecar" && proxy.resource !== "") draft(proxy.mesh, proxy.flavor, proxy.resource)
  for (const { virtualNode, key } of board.inventory.weights) draft(key.mesh, key.flavor, virtualNode)
  for (const fact of board.reading.requests) {
    if (fact.virtualNode === "" || fact.virtualNode.startsWith("(")) continue
    const node = draft(fact.key.mesh, fact.key.flavor, fact.virtualNode)
    if (fact.reporter !== "destination") continue
    node.counts ??= noOutcomes()
    node.counts[fact.outcome] += fact.count
  }
  for (const group of board.reading.durations.groups) {
    const labels = named(DURATION_BY, group)
    if (labels.get("reporter") !== "destination") continue
    const node = drafts.get(labelledNodeKey(labels))
    if (node !== undefined) node.buckets = addBuckets(node.buckets, group.values)
  }
  const tcp = tcpByNode(board.reading)
  for (const sums of tcp.values()) draft(sums.mesh, sums.flavor, sums.virtualNode)
  const proxies = Map.groupBy(
    board.proxies.filter((proxy) => proxy.role === "sidecar"),
    (proxy) => nodeKey(proxy.mesh, proxy.flavor, proxy.resource),
  )
  return [...drafts].map(([key, node]) => stateOf(board, node, tcp.get(key), proxies.get(key) ?? []))
}

function stateOf(board: Board, node: Draft, tcp: TcpSums | undefined, proxies: readonly Proxy[]): NodeState {
  const counts = node.counts ?? noOutcomes()
  const hosts = board.hosts.get(nodeKey(node.mesh, node.flavor, node.name)) ?? null
  const windowSeconds = board.reading.rateMs / 1000
  const own = healthOf({
    ...outcomesWith(tcp, counts),
    ...(hosts === null ? {} : { healthyHosts: hosts.healthy, totalHosts: hosts.total }),
    complete: proxies.every((proxy) => proxy.answered),
    seen: proxies.length > 0,
  })
  // A node that callers cannot reach is not well, however well it fares with those who can.
  const fault = board.faults.get(nodeKey(node.mesh, node.flavor, node.name))
  const unreached = fault?.kind === "unreached" && fault.endedMs === undefined ? fault : undefined
  const health = unreached === undefined ? own : worstOf([own, unreachedHealth(unreached)])
  return {
    mesh: node.mesh,
    flavor: node.flavor,
    name: node.name,
    declared: node.declared,
    health,
    numbers: node.counts === undefined ? null : numbersOf(counts, node.buckets, windowSeconds),
    tcp: tcp === undefined ? null : tcpNumbers(tcp, windowSeconds),
    hosts,
    why: health === "unknown" ? whyUnknown(proxies, board.reading.endMs) : (unreached?.short ?? null),
  }
}

function unreachedHealth({ errors, requests }: NodeFault): Health {
  return errors >= requests * HEALTH_RULES.failingErrorRatio ? "failing" : "degraded"
}
