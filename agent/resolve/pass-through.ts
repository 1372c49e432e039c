import { type AccessFact, Field } from "#mesh/access.ts"
import { portOf, portStart } from "./addresses.ts"
import type { Reach, Reaches } from "./reach.ts"
import type { KnownCluster, TcpWay, Topology } from "./topology.ts"

/** Where a connection past the mesh's services went. */
export interface Past {
  readonly reach: Reach
  /** False where filter chains differ only by the name that TLS asks for, which no format tells. */
  readonly sure: boolean
}

/**
 * Connections past the mesh's services, where the format tells no cluster. Such a connection goes to the very host and
 * port that were called, so the chain that took it is known from the port: Envoy picks chains by destination port
 * first, and never comes back to a chain without one. Who was called lately is no proof: `/clusters` forgets, and the
 * same host may be called in both ways.
 */
export class PassThrough {
  /** By the ports that chains ask for; undefined: a chain of a service takes it. */
  readonly #byPort = new Map<number, Past | undefined>()
  /** All other ports. */
  readonly #rest: Past | undefined
  /** Ports that services which speak TCP listen on; undefined when one of them has no endpoint now. */
  readonly #services: ReadonlySet<number> | undefined

  constructor(topology: Topology, reaches: Reaches) {
    const known = (way: TcpWay): KnownCluster[] =>
      way.filter.clusters.flatMap(({ name }) => topology.clusters.get(name) ?? [])
    const tcp = topology.tcp.filter(({ side }) => side === "outbound")
    const past = tcp.filter((way) => known(way).some((one) => isPast(one)))
    const services = tcp.filter((way) => !past.includes(way))
    for (const { chain, side } of [...topology.http, ...services])
      if (side === "outbound" && chain.destinationPort !== undefined)
        this.#byPort.set(chain.destinationPort, undefined)
    for (const [port, ways] of Map.groupBy(past, ({ chain }) => chain.destinationPort)) {
      const found = pastOf(ways.flatMap(known), reaches)
      if (port === undefined) this.#rest = found
      else this.#byPort.set(port, found)
    }
    const clusters = services.flatMap(known).map(({ cluster }) => cluster)
    this.#services = clusters.some(({ endpoints }) => endpoints.length === 0)
      ? undefined
      : new Set(clusters.flatMap(({ endpoints }) => endpoints.map(({ port }) => port)))
  }

  /** What a connection to the line's upstream host went through if it went past the services; undefined: it cannot. */
  of(fact: AccessFact): Past | undefined {
    const port = upstreamPort(fact)
    if (port < 0) return undefined
    return this.#byPort.has(port) ? this.#byPort.get(port) : this.#rest
  }

  /** Whether a service may have such a host, also where its addresses come from DNS: its port is fixed. */
  mayBeService(fact: AccessFact): boolean {
    return this.#services === undefined || this.#services.has(upstreamPort(fact))
  }
}

function isPast({ meaning }: KnownCluster): boolean {
  return meaning.kind === "aws" || meaning.kind === "undeclared"
}

/** AWS is no declared backend either: where it may be both, what is said of undeclared hosts is true. */
function pastOf(clusters: readonly KnownCluster[], reaches: Reaches): Past | undefined {
  const names = new Set(clusters.map(({ cluster }) => cluster.name))
  const one = clusters.find(({ meaning }) => meaning.kind === "undeclared") ?? clusters[0]
  return one && { reach: reaches.named(one.cluster.name), sure: names.size === 1 }
}

function upstreamPort({ bytes, spans }: AccessFact): number {
  const start = spans[Field.upstreamHost * 2] ?? -1
  if (start < 0) return -1
  const end = spans[Field.upstreamHost * 2 + 1] ?? start
  const at = portStart(bytes, start, end)
  return at < 0 ? -1 : portOf(bytes, at, end)
}
