import type { Health } from "#mesh/health.ts"
import type { Kind } from "#mesh/resource.ts"

/** The windows that a view may be asked for, seconds. */
export const WINDOWS = { "1m": 60, "5m": 300, "15m": 900, "60m": 3600 } as const
export type WindowName = keyof typeof WINDOWS

/** How much of the truth an answer rests on. Stands beside every claim. */
export interface Completeness {
  /** Every known proxy answered and every known agent reports. */
  readonly complete: boolean
  readonly proxiesKnown: number
  readonly proxiesAnswered: number
  readonly agentsKnown: number
  /** Agents that reported lately. */
  readonly agentsSeen: number
  /** Share of requests that listeners counted and nothing accounted for, 0..1; null when nothing was counted. */
  readonly unaccountedRatio: number | null
  /** When the newest sample came in, RFC 3339; null before the first. */
  readonly dataAt: string | null
  readonly dataAgeSeconds: number | null
  /** Before this nothing is known, which is not the same as no traffic. RFC 3339; null before the first sample. */
  readonly dataFrom: string | null
  /** A sentence when the store cannot be written, else null. */
  readonly storeProblem: string | null
}

/** What every answer carries. Times are RFC 3339 in UTC, durations seconds unless the name says otherwise. */
export interface Answer {
  readonly generatedAt: string
  readonly windowSeconds: number
  /** The mesh that was asked for; null for all. */
  readonly mesh: string | null
  readonly complete: boolean
  readonly completeness: Completeness
}

/** Requests of one row in one window. Rates are the mean over the window, or over what is known of it when data began within it. null: not known, never zero. */
export interface RequestNumbers {
  readonly requests: number
  readonly requestsPerSecond: number
  readonly ok: number
  readonly clientErrors: number
  readonly errors: number
  /** The caller went away; not in the error ratio. */
  readonly aborted: number
  /** errors / (ok + client errors + errors), 0..1; null without traffic. */
  readonly errorRatio: number | null
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
}

/** TCP of one row in one window. */
export interface TcpNumbers {
  readonly activeConnections: number | null
  readonly opened: number
  readonly openedPerSecond: number
  /** However they ended; some were opened before the window. */
  readonly closed: number
  readonly closedWithError: number
  readonly sentBytesPerSecond: number
  readonly receivedBytesPerSecond: number
}

/** Hosts of a node as its clients see them: the worst client, and how far clients differ. */
export interface HostsSeen {
  readonly virtualNode: string
  /** At the client that sees fewest healthy. */
  readonly healthy: number
  readonly total: number
  readonly degraded: number
  readonly unhealthy: number
  readonly ejected: number
  readonly clients: number
  /** Largest minus smallest number of healthy hosts over clients. */
  readonly spread: number
  /** The client that sees fewest healthy hosts; null with one client only or no difference. */
  readonly worstClient: string | null
}

/** Counts of states, for tallies. */
export type Tally = Readonly<Record<Health, number>> & { readonly total: number }

/** A link in the path of parents. */
export interface ResourceLink {
  readonly kind: Kind
  readonly name: string
  readonly health: Health
}
