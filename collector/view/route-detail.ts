import type { AnsweredBy, Outcome } from "#mesh/outcome.ts"
import type { Answer, HostsSeen, RequestNumbers, ResourceLink } from "./answer.ts"
import type { RouteRow } from "./route-row.ts"

export interface DetailNumbers extends RequestNumbers {
  /** Upstream attempts per request, retries included; null when no source tells. */
  readonly attemptsPerRequest: number | null
}

/** One calling virtual node or gateway. */
export interface CallerRow {
  readonly kind: "virtual_node" | "virtual_gateway"
  /** Empty when the caller is not known (a gateway's own callers are outside). */
  readonly name: string
  readonly numbers: RequestNumbers
}

/** One target node: what was declared for it and what it received. */
export interface TargetRow {
  readonly virtualNode: string
  /** null: no weight was declared for it. 0 is a weight. */
  readonly declaredWeight: number | null
  /** Of the sum of weights, 0..1. */
  readonly declaredShare: number | null
  readonly receivedShare: number | null
  readonly numbers: DetailNumbers
  readonly hosts: HostsSeen | null
}

export interface FlagRow {
  readonly flags: string
  /** What the flags mean, in words. */
  readonly meaning: string
  readonly answeredBy: AnsweredBy
  readonly outcome: Outcome
  readonly virtualNode: string
  readonly count: number
  /** Of all failures with the same outcome, 0..1. */
  readonly share: number
}

export interface CodeRow {
  readonly codeClass: string
  readonly count: number
}

/** Something proven by the numbers on this page. */
export interface Finding {
  readonly id: string
  readonly sentence: string
  readonly evidence: readonly string[]
  /** What would disprove it. */
  readonly refutation: readonly string[]
  /** What cannot be seen from here. */
  readonly unseen: readonly string[]
}

/** Objective and how fast its budget burns in the window: 1 spends it exactly over 30 days. */
export interface Budget {
  readonly objective: number
  readonly burnRate: number | null
}

/** 60 points of a minute on one time axis. */
export interface Charts {
  readonly startAt: string
  readonly stepSeconds: number
  /** Per second. */
  readonly requests: readonly number[]
  readonly errors: readonly number[]
  readonly aborted: readonly number[]
  readonly errorRatio: readonly (number | null)[]
  readonly p50Ms: readonly (number | null)[]
  readonly p95Ms: readonly (number | null)[]
  readonly p99Ms: readonly (number | null)[]
}

export interface RouteDetailView extends Answer {
  readonly row: RouteRow
  /** From the gateway or service down to the route itself. */
  readonly parents: readonly ResourceLink[]
  readonly nativeKind: string | null
  readonly nativeName: string | null
  readonly namespace: string | null
  /** The filter in force; null for everyone, any node. Latency cannot be told per caller and is null then. */
  readonly caller: string | null
  readonly target: string | null
  readonly now: DetailNumbers
  /** The hour that ended where the window begins. */
  readonly before: DetailNumbers
  readonly budget: Budget | null
  readonly callers: readonly CallerRow[]
  readonly targets: readonly TargetRow[]
  readonly flags: readonly FlagRow[]
  readonly codes: readonly CodeRow[]
  readonly charts: Charts
  readonly findings: readonly Finding[]
}
