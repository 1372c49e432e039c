import type { ClusterHost, SocketAddress } from "#mesh/proxy.ts"
import type { Interner, Target } from "#mesh/request.ts"
import { AWS, UNDECLARED } from "#mesh/resource.ts"
import { ByteTable } from "./byte-table.ts"
import type { KnownCluster, Side, Topology } from "./topology.ts"

const MAX_REACHES = 50_000

/** Where a request went, as far as cluster or host tell: one cluster, or all that share the host. */
export interface Reach {
  /** Dense, from 1; part of cache keys. 0 means that nothing is known. */
  readonly id: number
  readonly names: ReadonlySet<string>
  /** Undefined when the clusters stand for several nodes, or none. */
  readonly target: Target | undefined
  readonly side: Side | undefined
  readonly selfRedirect: boolean
  readonly grpc: boolean
}

/** Clusters by name and by host, as bytes of a log line spell them. */
export class Reaches {
  readonly #topology: Topology
  readonly #interner: Interner
  readonly #byNames = new Map<string, Reach>()
  readonly #clusters: ByteTable<Reach>
  #hosts: ByteTable<Reach>

  constructor(topology: Topology, interner: Interner) {
    this.#topology = topology
    this.#interner = interner
    this.#clusters = new ByteTable(this.#clusterEntries())
    this.#hosts = new ByteTable(this.#hostEntries([]))
  }

  /** Logs write a cluster as its stat name when it has another one. */
  #clusterEntries(): [string, Reach][] {
    const entries: [string, Reach][] = []
    for (const { cluster } of this.#topology.clusters.values()) {
      const reach = this.#reachOf([cluster.name])
      entries.push([cluster.statName, reach], [cluster.name, reach])
    }
    return entries
  }

  #hostEntries(hosts: readonly ClusterHost[]): [string, Reach][] {
    const clusters = new Map<string, Set<string>>()
    const add = (address: SocketAddress, cluster: string): void => {
      const text = address.host.includes(":")
        ? `[${address.host}]:${address.port}`
        : `${address.host}:${address.port}`
      const known = clusters.get(text)
      if (known === undefined) clusters.set(text, new Set([cluster]))
      else known.add(cluster)
    }
    for (const { cluster } of this.#topology.clusters.values()) {
      for (const address of cluster.endpoints) add(address, cluster.name)
    }
    for (const { cluster, address } of hosts) {
      const kind = this.#topology.clusters.get(cluster)?.meaning.kind
      // Hosts past the mesh are whoever was called lately: they tell nothing of who else was called there.
      if (kind !== undefined && kind !== "aws" && kind !== "undeclared") add(address, cluster)
    }
    const entries: [string, Reach][] = []
    for (const [text, names] of clusters) {
      // Whoever answers `/clusters` decides who shares a host: a bound on the combinations that are kept.
      if (this.#byNames.size < MAX_REACHES) entries.push([text, this.#reachOf([...names].toSorted())])
    }
    return entries
  }

  /** New members by `/clusters`; those of the dump stay. */
  setHosts(hosts: readonly ClusterHost[]): void {
    this.#hosts = new ByteTable(this.#hostEntries(hosts))
  }

  /** A cluster of the configuration. */
  named(cluster: string): Reach {
    return this.#reachOf([cluster])
  }

  byCluster(view: DataView, start: number, end: number): Reach | undefined {
    return this.#clusters.get(view, start, end)
  }

  byHost(view: DataView, start: number, end: number): Reach | undefined {
    return this.#hosts.get(view, start, end)
  }

  #reachOf(names: readonly string[]): Reach {
    const key = JSON.stringify(names)
    const known = this.#byNames.get(key)
    if (known !== undefined) return known
    const clusters = names.map((name) => this.#topology.clusters.get(name)).filter((one) => one !== undefined)
    const made: Reach = {
      id: this.#byNames.size + 1,
      names: new Set(names),
      target: common(
        clusters.map((one) => targetName(one)),
        (name) => this.#interner.target(name),
      ),
      side: common(
        clusters.map(({ side }) => side),
        (side) => side,
      ),
      selfRedirect: clusters.length > 0 && clusters.every(({ meaning }) => meaning.kind === "self_redirect"),
      grpc:
        clusters.length > 0 &&
        clusters.every(({ meaning }) => meaning.kind === "node" && meaning.protocol === "grpc"),
    }
    this.#byNames.set(key, made)
    return made
  }
}

/** The target label of a cluster; undefined for one that no request of the mesh is for. */
export function targetName({ meaning }: KnownCluster): string | undefined {
  switch (meaning.kind) {
    case "node":
      return meaning.node
    case "aws":
      return AWS
    case "undeclared":
      return UNDECLARED
    case "self_redirect":
      return ""
    case "infrastructure":
    case "unknown":
      return undefined
  }
}

/** What all have in common; undefined when they differ or one has none. */
function common<A, B>(values: readonly (A | undefined)[], map: (value: A) => B): B | undefined {
  const first = values[0]
  if (first === undefined || values.some((value) => value !== first)) return undefined
  return map(first)
}
