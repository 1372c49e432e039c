import type { Health } from "#mesh/health.ts"
import type { Provenance, Reporter } from "#mesh/resource.ts"
import type { RequestNumbers, TcpNumbers } from "./answer.ts"

/** What names a route. An empty text means that the part does not apply. */
export interface RouteKey {
  readonly mesh: string
  readonly flavor: string
  readonly virtualGateway: string
  readonly gatewayRoute: string
  readonly virtualService: string
  readonly virtualRouter: string
  readonly route: string
}

/** Why a row is not one declared route: names that stand where none can be decided. */
export const SYNTHETIC = ["ambiguous", "unmatched", "shared", "undeclared"] as const
export type Synthetic = (typeof SYNTHETIC)[number]

export interface FlagCount {
  /** Sorted, comma-joined; `-` for none. */
  readonly flags: string
  readonly count: number
}

export interface TargetErrors {
  readonly virtualNode: string
  readonly errors: number
}

/** 60 points of one minute each; the last one ends at `generatedAt`'s minute. */
export interface SparkPoints {
  readonly startAt: string
  readonly stepSeconds: number
  /** Requests per second; null before anything was known. */
  readonly requests: readonly (number | null)[]
  /** Error ratio, 0..1; null without traffic in that minute. */
  readonly errorRatio: readonly (number | null)[]
  readonly p95Ms: readonly (number | null)[]
}

/** One row of the routes table: a gateway route, a route, or a service that sits on a node. */
export interface RouteRow {
  /** URL-safe, stable over restarts. */
  readonly id: string
  readonly key: RouteKey
  readonly kind: "gateway_route" | "route" | "service"
  /** Own name: of the gateway route, the route, or the service. */
  readonly name: string
  /** null for a real route. A synthetic row has a health of its own but counts in no tally. */
  readonly synthetic: Synthetic | null
  /** A sentence for a synthetic row, a reason for an unknown one, else null. */
  readonly why: string | null
  /** Whether the declared model has it. */
  readonly declared: boolean
  readonly health: Health
  /**
   * Start of the first of the store's steps over the limit of its state, in the unbroken run of minutes over the lower
   * limit up to now; three minutes without traffic break it. null when not failing or degraded, or when that has ended.
   */
  readonly since: string | null
  /** End of the last step with an error, where what makes it failing or degraded in the window goes on no more. */
  readonly endedAt: string | null
  /** Whose numbers these are; numbers of other reporters are never added. */
  readonly reporter: Reporter
  readonly numbers: RequestNumbers
  /** Connections of a service that speaks TCP; null for others. */
  readonly tcp: TcpNumbers | null
  /** Up to three, most frequent first; errors only. */
  readonly flagsTop: readonly FlagCount[]
  /** The target that more than half of its errors are at; null where none is. */
  readonly worstTarget: TargetErrors | null
  readonly provenance: Provenance | "mixed" | null
  readonly points: SparkPoints
  /** Proxies that would report it: answered of known. */
  readonly answered: number
  readonly known: number
}
