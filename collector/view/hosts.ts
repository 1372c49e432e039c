import type { HostsSeen } from "./answer.ts"
import { type Reading, reportingAgents } from "./reading.ts"

interface Client {
  readonly name: string
  healthy: number
  degraded: number
  unhealthy: number
  ejected: number
}

const STATES = ["healthy", "degraded", "unhealthy", "ejected"] as const

/** Key of `hostsOf`'s answer. */
export function nodeKey(mesh: string, flavor: string, virtualNode: string): string {
  return [mesh, flavor, virtualNode].join("\u0000")
}

/** The same of the node that labels name. */
export function labelledNodeKey(labels: ReadonlyMap<string, string>): string {
  const label = (name: string): string => labels.get(name) ?? ""
  return nodeKey(label("mesh"), label("flavor"), label("virtual_node"))
}

/** Hosts of every node as its reporting clients see them. A degraded host still answers, so it counts as healthy. */
export function hostsOf(reading: Reading): Map<string, HostsSeen> {
  const reporting = reportingAgents(reading)
  const nodes = new Map<string, Map<string, Client>>()
  const names = new Map<string, string>()
  for (const row of reading.gauges.upstreamHosts) {
    const label = (name: string): string => row.labels.get(name) ?? ""
    const state = STATES.find((word) => word === label("state"))
    if (!reporting.has(row.agent) || state === undefined) continue
    // A series without a caller is the node's own proxy looking at its application: no client.
    if (label("source") === "" && label("virtual_gateway") === "") continue
    const key = labelledNodeKey(row.labels)
    const name = label("source") === "" ? label("virtual_gateway") : label("source")
    const clients = nodes.get(key) ?? new Map<string, Client>()
    nodes.set(key, clients)
    names.set(key, label("virtual_node"))
    const id = `${row.agent}\u0000${name}`
    const client = clients.get(id) ?? { name, healthy: 0, degraded: 0, unhealthy: 0, ejected: 0 }
    client[state] += row.value
    clients.set(id, client)
  }
  return new Map([...nodes].map(([key, clients]) => [key, seen(names.get(key) ?? "", [...clients.values()])]))
}

function seen(virtualNode: string, clients: readonly Client[]): HostsSeen {
  const answering = (client: Client): number => client.healthy + client.degraded
  const sorted = clients.toSorted((a, b) => answering(a) - answering(b))
  const worst = sorted[0]
  const best = sorted.at(-1)
  if (worst === undefined || best === undefined) throw new RangeError("a node without clients")
  const spread = answering(best) - answering(worst)
  return {
    virtualNode,
    healthy: answering(worst),
    total: answering(worst) + worst.unhealthy + worst.ejected,
    degraded: worst.degraded,
    unhealthy: worst.unhealthy,
    ejected: worst.ejected,
    clients: clients.length,
    spread,
    worstClient: spread === 0 ? null : worst.name,
  }
}
