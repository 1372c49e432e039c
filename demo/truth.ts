import type { Outcome } from "#mesh/outcome.ts"
import type { Reporter } from "#mesh/resource.ts"

/**
 * What really happened, counted as `mesh_requests_total` should count it: once per reporter. Labels have its names;
 * an empty text is a label left out. Made from what the generator sent and got and what the applications saw, never
 * from a proxy's logs or stats.
 */
export interface TruthRow {
  readonly reporter: Reporter
  readonly virtualGateway: string
  readonly gatewayRoute: string
  readonly virtualService: string
  readonly virtualRouter: string
  readonly route: string
  readonly source: string
  readonly virtualNode: string
  readonly protocol: "http" | "http2" | "grpc"
  /** HTTP status as this reporter saw it; 0 when the caller went away. */
  readonly code: number
  /** -1 when none came. */
  readonly grpcStatus: number
  readonly outcome: Outcome
}
/** Where a request belongs, as `mesh_requests_total` labels it. */
export const placeLabels = (
  row: Pick<
    TruthRow,
    | "reporter"
    | "virtualGateway"
    | "gatewayRoute"
    | "virtualService"
    | "virtualRouter"
    | "route"
    | "source"
    | "virtualNode"
  >,
) => ({
  reporter: row.reporter,
  virtual_gateway: row.virtualGateway,
  gateway_route: row.gatewayRoute,
  virtual_service: row.virtualService,
  virtual_router: row.virtualRouter,
  route: row.route,
  source: row.source,
  virtual_node: row.virtualNode,
})

export type TruthCount = TruthRow & { readonly count: number }

/** Requests of health checkers at one proxy, which count nowhere else. A gateway sees each twice. */
export interface HealthCheckCount {
  readonly virtualGateway: string
  readonly virtualNode: string
  readonly count: number
}

/** Connections to one TCP service, as caller's and callee's proxies should tell them. */
export interface TcpCount {
  readonly source: string
  readonly virtualService: string
  readonly virtualNode: string
  /** Opened, and closed again. */
  readonly connections: number
  /** Those that were answered; bytes are of these alone. */
  readonly answered: number
  /** Bytes of the caller, and to the caller. */
  readonly receivedBytes: number
  readonly sentBytes: number
}

export interface Truth {
  readonly mesh: string
  /** Planned requests that the generator sent. */
  readonly sent: number
  readonly requests: readonly TruthCount[]
  /** The same rows, each with the upstream attempts of its requests: those that reached the callee's proxy. */
  readonly attempts: readonly TruthCount[]
  readonly healthChecks: readonly HealthCheckCount[]
  readonly tcp: readonly TcpCount[]
  /** Calls whose target or number of attempts nobody can tell. Empty unless a fault makes it so. */
  readonly undecided: readonly { readonly why: string; readonly count: number }[]
}

/** `2xx` and so on; `none` when no code was sent. The truth's own rule, not the product's. */
export function classOf(code: number): string {
  return /^[1-5]\d\d$/.test(String(code)) ? `${String(code).charAt(0)}xx` : "none"
}

/** Rows with equal labels added up, e.g. without exact codes. `labels` picks and names what stays. */
export function summed<T extends Readonly<Record<string, string>>>(
  rows: readonly TruthCount[],
  labels: (row: TruthCount) => T,
): readonly { readonly labels: T; readonly count: number }[] {
  const sums = new Map<string, { labels: T; count: number }>()
  for (const row of rows) {
    const kept = labels(row)
    const key = JSON.stringify(kept)
    const sum = sums.get(key)
    if (sum === undefined) sums.set(key, { labels: kept, count: row.count })
    else sum.count += row.count
  }
  return [...sums.values()]
}
