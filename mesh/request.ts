import type { AccessFact } from "./access.ts"
import type { Flavor, Provenance, Reporter } from "./resource.ts"

/**
 * Who a request is reported for: all labels that do not depend on how it ended. An empty text means that the label is
 * left out. Rows are interned (one object per distinct row in the process), so that replicas add up and the hot path
 * carries `id` alone.
 */
export interface RequestRow {
  /** Dense, from 0, unique in the process; not stable over restarts. */
  readonly id: number
  readonly mesh: string
  readonly flavor: Flavor
  readonly reporter: Reporter
  readonly virtualGateway: string
  readonly gatewayRoute: string
  readonly virtualService: string
  readonly virtualRouter: string
  readonly route: string
  readonly source: string
}

/** The virtual node that answered, or `(unknown)`, or empty when the request never had one. Interned like rows. */
export interface Target {
  readonly id: number
  readonly name: string
}

/** Hands out rows and targets; one per agent. Bounded: rows come from configuration, never from what a caller sent. */
export interface Interner {
  row(row: Omit<RequestRow, "id">): RequestRow
  target(name: string): Target
}

export function makeInterner(): Interner {
  const rows = new Map<string, RequestRow>()
  const targets = new Map<string, Target>()
  return {
    row(row) {
      const key = [
        row.mesh,
        row.flavor,
        row.reporter,
        row.virtualGateway,
        row.gatewayRoute,
        row.virtualService,
        row.virtualRouter,
        row.route,
        row.source,
      ].join("\u0000")
      const known = rows.get(key)
      if (known !== undefined) return known
      const made = { ...row, id: rows.size }
      rows.set(key, made)
      return made
    },
    target(name) {
      const known = targets.get(name)
      if (known !== undefined) return known
      const made = { id: targets.size, name }
      targets.set(name, made)
      return made
    },
  }
}

/** Why a line could not be given to a reporter or a resource; counted, and shown with the proxy. */
export const DOUBTS = [
  "direction", // neither cluster, address nor authority tell whether the line is inbound or outbound
  "cluster", // a cluster name that no rule of the dialect can read
  "host", // an upstream host that no cluster of the proxy has
  "route_ambiguous", // rows that differ only in what the log lacks
  "route_unmatched", // no row of the route table takes it
  "forgeable", // the line could be read in more than one way
] as const
export type Doubt = (typeof DOUBTS)[number]

/** What one access fact is about. Reused by the resolver: copy what outlives the next call. */
export interface Resolution {
  /** `undecided`: nothing may be counted but the doubt. */
  kind: "request" | "tcp" | "health_check" | "undecided"
  row: RequestRow
  target: Target
  /** 0 http, 1 http2, 2 grpc: index into `PROTOCOLS`. */
  protocol: number
  /** The first doubt, or undefined. */
  doubt: Doubt | undefined
}
export const PROTOCOLS = ["http", "http2", "grpc"] as const

/** Names the requests of one proxy in one configuration. Pure and synchronous; never throws. */
export interface Resolver {
  resolve(fact: AccessFact): Resolution
}

/**
 * How one proxy's stats become requests where there is no log, and gauges in any case.
 * Made by the resolver from the configuration; the accountant needs no names beyond it.
 */
export interface StatsPlan {
  readonly http: readonly HttpPlan[]
  readonly tcp: readonly TcpPlan[]
  readonly listeners: readonly ListenerPlan[]
  readonly clusters: readonly ClusterPlan[]
}

/** One `http.<statPrefix>.` scope. Its requests = those of `clusters` + what the proxy answered itself (`unmatched`). */
export interface HttpPlan {
  readonly statPrefix: string
  readonly reporter: Reporter
  /** `log` where a readable access log counts these requests; the stats then only check it. */
  readonly provenance: Provenance
  readonly unmatched: RequestRow
  /** Target of `unmatched`: own node for the destination reporter, else empty. */
  readonly unmatchedTarget?: Target
  /** Row `(shared)` where more than one route leads to the cluster. `statName` as in `Cluster.statName`. */
  readonly clusters: readonly {
    readonly statName: string
    readonly row: RequestRow
    readonly target: Target
    readonly protocol: number
  }[]
}

/** One `tcp.<statPrefix>.` scope. */
export interface TcpPlan {
  readonly statPrefix: string
  readonly provenance: Provenance
  readonly unmatched: RequestRow
  readonly clusters: readonly {
    readonly statName: string
    readonly row: RequestRow
    readonly target: Target
  }[]
}

/**
 * One `listener.<statPrefix>.` scope that callers leave the mesh by. Connections that no filter chain of it takes reach no
 * filter and so no filter's log: only the listener counts them. Left out where a log of the listener itself tells them.
 */
export interface ListenerPlan {
  readonly statPrefix: string
  readonly row: RequestRow
  readonly target: Target
}

/** One upstream cluster that stands for a virtual node, for gauges: hosts, connections, breakers. */
export interface ClusterPlan {
  readonly name: string
  readonly statName: string
  readonly target: Target
  readonly direction: "inbound" | "outbound"
  readonly circuitBreakers: {
    readonly connections?: number
    readonly pending?: number
    readonly requests?: number
    readonly retries?: number
  }
}
