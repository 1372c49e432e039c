import type { StatsPlan } from "#mesh/request.ts"
import type { SeriesKey, StatsPage } from "#mesh/stats.ts"
import {
  CLUSTER_FIELDS,
  type ClusterField,
  clusterField,
  GAUGES,
  GLOBAL_FIELDS,
  type GlobalField,
  globalField,
  HTTP_FIELDS,
  type HttpField,
  httpField,
  LISTENER_FIELDS,
  type ListenerField,
  listenerField,
  TCP_FIELDS,
  type TcpField,
  tcpField,
} from "./fields.ts"
import { OwnerNames } from "./owner-names.ts"
import { hash64 } from "./series-hash.ts"

/** More extra series (gRPC methods, route configurations) than this are not read: their names come from callers. */
const MAX_EXTRAS = 20_000

/**
 * All series that a plan needs, numbered: the fields of its clusters, listeners, connection managers, TCP proxies
 * and of the server stand at fixed places, one block per owner; where several lines feed one field (gRPC methods), each line has a
 * place of its own behind the blocks, whose changes go to the field. Proxies with the same plan share one space.
 */
export class SeriesSpace {
  readonly clusters: readonly string[]
  readonly listeners: readonly string[]
  readonly http: readonly string[]
  readonly tcp: readonly string[]
  /** First place of what stays as long as the proxy runs; clusters and listeners come and go with its configuration. */
  readonly lasting: number
  /** Places of the fixed blocks. */
  readonly fixed: number
  /** Where the changes of a place go; for a fixed one, itself. Grows with the extras. */
  target: Int32Array
  /** 1 where the place is a gauge. */
  readonly gauge: Uint8Array
  /** Two 32-bit hashes of the name of each place, for the kept state. */
  hashes: Uint32Array
  /** Change of each field in this tick; all zero between ticks. */
  readonly delta: Float64Array
  /** Which blocks of clusters have a change in this tick. */
  readonly touched: Uint8Array
  count: number
  readonly #listenerAt: number
  readonly #httpAt: number
  readonly #tcpAt: number
  readonly #globalAt: number
  readonly #extras = new Map<string, number>()
  /** Fields that several lines feed. */
  readonly #sums = new Set<number>()
  readonly #owners: Readonly<Record<"cluster" | "listener" | "http" | "tcp", OwnerNames>>
  readonly #bindings = new WeakMap<object, Int32Array>()

  constructor(plan: StatsPlan) {
    this.clusters = clusterNames(plan)
    this.listeners = plan.listeners.map(({ statPrefix }) => statPrefix)
    this.http = plan.http.map(({ statPrefix }) => statPrefix)
    this.tcp = plan.tcp.map(({ statPrefix }) => statPrefix)
    this.#owners = {
      cluster: new OwnerNames(this.clusters),
      listener: new OwnerNames(this.listeners),
      http: new OwnerNames(this.http),
      tcp: new OwnerNames(this.tcp),
    }
    this.#listenerAt = this.clusters.length * CLUSTER_FIELDS.length
    this.#httpAt = this.#listenerAt + this.listeners.length * LISTENER_FIELDS.length
    this.lasting = this.#httpAt
    this.#tcpAt = this.#httpAt + this.http.length * HTTP_FIELDS.length
    this.#globalAt = this.#tcpAt + this.tcp.length * TCP_FIELDS.length
    this.fixed = this.#globalAt + GLOBAL_FIELDS.length
    this.count = this.fixed
    this.target = Int32Array.from({ length: this.fixed }, (_, place) => place)
    this.gauge = new Uint8Array(this.fixed)
    this.hashes = new Uint32Array(this.fixed * 2)
    this.delta = new Float64Array(this.fixed)
    this.touched = new Uint8Array(this.clusters.length)
    this.#name()
  }

  clusterIndex(statName: string): number {
    return this.#owners.cluster.indexOf(statName)
  }
  /** Place of a cluster's field. */
  ofCluster(cluster: number, field: ClusterField): number {
    return cluster * CLUSTER_FIELDS.length + CLUSTER_FIELDS.indexOf(field)
  }
  ofListener(listener: number, field: ListenerField): number {
    return this.#listenerAt + listener * LISTENER_FIELDS.length + LISTENER_FIELDS.indexOf(field)
  }
  ofHttp(http: number, field: HttpField): number {
    return this.#httpAt + http * HTTP_FIELDS.length + HTTP_FIELDS.indexOf(field)
  }
  ofTcp(tcp: number, field: TcpField): number {
    return this.#tcpAt + tcp * TCP_FIELDS.length + TCP_FIELDS.indexOf(field)
  }
  ofGlobal(field: GlobalField): number {
    return this.#globalAt + GLOBAL_FIELDS.indexOf(field)
  }

  /** Whether a field collects from other places and has no line of its own. */
  isSum(place: number): boolean {
    return this.#sums.has(place)
  }

  /** Marks the cluster of a place whose delta was just changed. */
  touch(place: number): void {
    if (place < this.#listenerAt) this.touched[Math.floor(place / CLUSTER_FIELDS.length)] = 1
  }

  /** The place of each line of a page, -1 for lines that are not read. Made once per layout. */
  bind(page: StatsPage): Int32Array {
    const known = this.#bindings.get(page.layout)
    if (known !== undefined) return known
    const before = page.cameFrom && this.#bindings.get(page.cameFrom.layout)
    const places = new Int32Array(page.lines).fill(-1)
    if (page.cameFrom !== undefined && before !== undefined) {
      for (let line = 0; line < page.lines; line++) {
        const old = page.cameFrom.origin[line] ?? -1
        if (old >= 0) places[line] = before[old] ?? -1
      }
    }
    // A whole page looks names up in a set; a few new lines search the places, which is cheaper than making one.
    const all = before === undefined ? new Set<number>() : undefined
    const taken = (place: number): boolean => all?.has(place) ?? places.includes(place)
    for (let line = 0; line < page.lines; line++) {
      if (before !== undefined && (page.cameFrom?.origin[line] ?? -1) >= 0) continue
      const place = this.#bindLine(page, line, taken)
      places[line] = place
      all?.add(place)
    }
    this.#bindings.set(page.layout, places)
    return places
  }

  #bindLine(page: StatsPage, line: number, taken: (place: number) => boolean): number {
    const key = page.key(line)
    const place = key === undefined || key.histogram !== undefined ? -1 : this.#placeOf(key)
    if (place < 0) return -1
    // gRPC methods, and names that two series share by Envoy's tag rules: each line keeps its own last value.
    return this.#sums.has(place) || taken(place) ? this.#extra(page.name(line), place) : place
  }

  #placeOf(key: SeriesKey): number {
    if (key.scope === "global") return this.#globalPlace(key.rest)
    if (key.scope === "cluster") {
      const [cluster, rest] = this.#owners.cluster.split(key)
      const field = clusterField(rest)
      if (cluster >= 0 && field !== undefined) return this.ofCluster(cluster, field)
      return /[._]?update_rejected$/.test(key.rest) ? this.ofGlobal("~eds_update_rejected") : -1
    }
    if (key.scope === "http") {
      const [http, rest] = this.#owners.http.split(key)
      const field = httpField(rest)
      if (http >= 0 && field !== undefined) return this.ofHttp(http, field)
      return http >= 0 ? this.#globalPlace(rest) : -1
    }
    if (key.scope === "listener") {
      const [listener, rest] = this.#owners.listener.split(key)
      const field = listenerField(rest)
      return listener >= 0 && field !== undefined ? this.ofListener(listener, field) : -1
    }
    const [tcp, rest] = this.#owners.tcp.split(key)
    const field = tcpField(rest)
    return tcp >= 0 && field !== undefined ? this.ofTcp(tcp, field) : -1
  }

  #globalPlace(rest: string): number {
    const field = globalField(rest.replaceAll(".", "_"))
    return field === undefined ? -1 : this.ofGlobal(field)
  }

  #extra(name: string, place: number): number {
    const known = this.#extras.get(name)
    if (known !== undefined) return known
    if (this.#extras.size >= MAX_EXTRAS) return -1
    const made = this.count++
    this.#extras.set(name, made)
    if (made >= this.target.length) this.#grow()
    this.target[made] = place
    const [high, low] = hash64(name)
    this.hashes[made * 2] = high
    this.hashes[made * 2 + 1] = low
    return made
  }

  #grow(): void {
    const target = new Int32Array(this.target.length * 2 + 64)
    target.set(this.target)
    this.target = target
    const hashes = new Uint32Array(target.length * 2)
    hashes.set(this.hashes)
    this.hashes = hashes
  }

  #name(): void {
    const block = (at: number, scope: string, owners: readonly string[], fields: readonly string[]): void => {
      for (const [index, owner] of owners.entries()) {
        for (const [offset, field] of fields.entries()) {
          const place = at + index * fields.length + offset
          const [high, low] = hash64(`${scope}.${owner}.${field}`)
          this.hashes[place * 2] = high
          this.hashes[place * 2 + 1] = low
          this.gauge[place] = GAUGES.has(field) ? 1 : 0
          if (field.startsWith("~")) this.#sums.add(place)
        }
      }
    }
    block(0, "cluster", this.clusters, CLUSTER_FIELDS)
    block(this.#listenerAt, "listener", this.listeners, LISTENER_FIELDS)
    block(this.#httpAt, "http", this.http, HTTP_FIELDS)
    block(this.#tcpAt, "tcp", this.tcp, TCP_FIELDS)
    block(this.#globalAt, "global", [""], GLOBAL_FIELDS)
  }
}

/** Every cluster that a plan names, once. */
function clusterNames(plan: StatsPlan): string[] {
  const names = new Set<string>()
  for (const { statName } of plan.clusters) names.add(statName)
  for (const { clusters } of [...plan.http, ...plan.tcp]) {
    for (const { statName } of clusters) names.add(statName)
  }
  return [...names]
}

const spaces = new Map<string, { readonly space: WeakRef<SeriesSpace> }>()

/** The space of a plan; plans that name the same owners in the same order share it. */
export function spaceOf(plan: StatsPlan): SeriesSpace {
  const text = JSON.stringify([
    clusterNames(plan),
    plan.listeners.map(({ statPrefix }) => statPrefix),
    plan.http.map(({ statPrefix }) => statPrefix),
    plan.tcp.map(({ statPrefix }) => statPrefix),
  ])
  const known = spaces.get(text)?.space.deref()
  if (known !== undefined) return known
  const space = new SeriesSpace(plan)
  for (const [key, { space: old }] of spaces) if (old.deref() === undefined) spaces.delete(key)
  spaces.set(text, { space: new WeakRef(space) })
  return space
}
