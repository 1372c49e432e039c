import { type AccessFact, Field } from "#mesh/access.ts"
import { portOf, portStart } from "./addresses.ts"
import type { Reach, Reaches } from "./reach.ts"
import type { Topology } from "./topology.ts"

/** AWS's own services are called on this port alone. */
const AWS_PORT = 443

/**
 * Names outgoing connections whose upstream host no cluster has, where the format tells no cluster. They went past the
 * mesh's services when none of those can have such a host: a service's port is fixed by the configuration, also where
 * its addresses come from DNS. Without this they would be known only once `/clusters` was read again.
 */
export class PassThrough {
  /** Undefined where the mesh lets no other host be called. */
  readonly #undeclared: Reach | undefined
  readonly #aws: boolean
  /** Ports of the services that speak TCP; undefined when one of them has no endpoint now. */
  readonly #ports: ReadonlySet<number> | undefined

  constructor(topology: Topology, reaches: Reaches) {
    const names = new Set(
      topology.tcp
        .filter(({ side }) => side === "outbound")
        .flatMap(({ filter }) => filter.clusters.map(({ name }) => name)),
    )
    const known = [...names].flatMap((name) => topology.clusters.get(name) ?? [])
    const undeclared = known.find(({ meaning }) => meaning.kind === "undeclared")
    this.#undeclared = undeclared && reaches.named(undeclared.cluster.name)
    this.#aws = known.some(({ meaning }) => meaning.kind === "aws")
    const services = known.filter(({ meaning }) => meaning.kind !== "undeclared" && meaning.kind !== "aws")
    const open = services.some(({ cluster }) => cluster.endpoints.length === 0)
    this.#ports = open
      ? undefined
      : new Set(services.flatMap(({ cluster }) => cluster.endpoints.map(({ port }) => port)))
  }

  /** Undefined where the connection may have gone to a service, or to AWS. */
  of({ bytes, spans }: AccessFact): Reach | undefined {
    const start = spans[Field.upstreamHost * 2] ?? -1
    if (start < 0 || this.#ports === undefined) return undefined
    const end = spans[Field.upstreamHost * 2 + 1] ?? start
    const at = portStart(bytes, start, end)
    if (at < 0) return undefined
    const port = portOf(bytes, at, end)
    return this.#ports.has(port) || (this.#aws && port === AWS_PORT) ? undefined : this.#undeclared
  }
}
