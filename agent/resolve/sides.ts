import { type AccessFact, Field } from "#mesh/access.ts"
import type { ProxyConfig, ProxyIdentity } from "#mesh/proxy.ts"
import { isLoopback, ownHosts, portOf, portStart } from "./addresses.ts"
import { ByteTable } from "./byte-table.ts"
import type { Reach } from "./reach.ts"
import type { Side, Topology } from "./topology.ts"

/**
 * Tells whether a line is of a request that came in or of one that went out. First what Envoy itself wrote: cluster,
 * local address, upstream host, remote address. None of these can be forged by a caller. The authority, which can, comes
 * last and is the caller's of this class to ask.
 */
export class Sides {
  readonly #role: ProxyIdentity["role"]
  readonly #own: ByteTable<true>
  readonly #knowsOwn: boolean
  /** Listeners bound to one address, as `host:port`. */
  readonly #bound: ByteTable<Side>
  /** Listeners on all addresses, and the ports that filter chains ask for. */
  readonly #ports: ReadonlyMap<number, Side>
  /** No request that came in can have an upstream host that no inbound cluster names. */
  readonly #inboundIsFixed: boolean
  readonly #only: Side | undefined

  constructor(config: ProxyConfig, identity: ProxyIdentity, topology: Topology) {
    this.#role = identity.role
    const own = ownHosts(config.node)
    this.#knowsOwn = own.length > 0
    this.#own = new ByteTable(own.map((host) => [host, true]))
    const { bound, ports } = listenerSides(topology)
    this.#bound = new ByteTable(bound)
    this.#ports = ports
    const inbound = [...topology.clusters.values()].filter(({ side }) => side === "inbound")
    this.#inboundIsFixed =
      inbound.length > 0 &&
      inbound.every(({ cluster }) => cluster.type === "STATIC" && cluster.endpoints.length > 0)
    const sides = new Set([...topology.http, ...topology.tcp].map(({ side }) => side))
    const [first] = sides
    this.#only = sides.size === 1 ? first : undefined
  }

  /** Undefined when nothing that Envoy wrote tells. `view` is over the fact's bytes. */
  of(fact: AccessFact, view: DataView, reach: Reach | undefined): Side | undefined {
    return (
      reach?.side ??
      this.#byLocal(fact, view) ??
      (reach === undefined && this.#inboundIsFixed && isElsewhere(fact) ? "outbound" : undefined) ??
      this.#byRemote(fact, view) ??
      this.#only
    )
  }

  #byLocal({ bytes, spans }: AccessFact, view: DataView): Side | undefined {
    const start = spans[Field.downstreamLocal * 2] ?? -1
    if (start < 0) return undefined
    const end = spans[Field.downstreamLocal * 2 + 1] ?? start
    const bound = this.#bound.get(view, start, end)
    if (bound !== undefined) return bound
    const port = portStart(bytes, start, end)
    if (port < 0) return undefined
    const own = this.#own.get(view, start, port - 1) === true
    const local = own || isLoopback(bytes, start, port - 1)
    if (local || !this.#knowsOwn) {
      const side = this.#ports.get(portOf(bytes, port, end))
      if (side !== undefined) return side
    }
    // Redirected connections keep the address that the caller meant: the pod's own, or a stranger's.
    if (own) return "inbound"
    return this.#knowsOwn && !local && this.#role === "sidecar" ? "outbound" : undefined
  }

  /** At a sidecar, what comes from the pod itself goes out. */
  #byRemote({ bytes, spans }: AccessFact, view: DataView): Side | undefined {
    const start = spans[Field.downstreamRemote * 2] ?? -1
    if (start < 0 || this.#role !== "sidecar" || !this.#knowsOwn) return undefined
    const end = spans[Field.downstreamRemote * 2 + 1] ?? start
    const port = portStart(bytes, start, end)
    const stop = port < 0 ? end : port - 1
    if (this.#own.get(view, start, stop) === true) return "outbound"
    return isLoopback(bytes, start, stop) ? undefined : "inbound"
  }
}

/** Where an application listens for its own proxy. */
const APPLICATION_HOSTS = ["127.0.0.1", "[::1]"].map((host) => Buffer.from(host))

/** The line has an upstream host, and it is not this pod's application. */
function isElsewhere({ bytes, spans }: AccessFact): boolean {
  const start = spans[Field.upstreamHost * 2] ?? -1
  if (start < 0) return false
  const end = spans[Field.upstreamHost * 2 + 1] ?? start
  const port = portStart(bytes, start, end)
  if (port < 0) return false
  return !APPLICATION_HOSTS.some(
    (host) => port - 1 - start === host.length && bytes.compare(host, 0, host.length, start, port - 1) === 0,
  )
}

function listenerSides(topology: Topology): { bound: [string, Side][]; ports: Map<number, Side> } {
  const bound: [string, Side][] = []
  const ports = new Map<number, Side>()
  for (const { listener, side } of [...topology.http, ...topology.tcp]) {
    // A connection to its port was taken for a service's or for the pod's own address: the port alone does not tell.
    if (listener.captured === true) continue
    for (const { host, port } of listener.addresses) {
      if (host === "0.0.0.0" || host === "::") ports.set(port, side)
      else bound.push([host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`, side])
    }
  }
  return { bound, ports }
}
