import { METRICS, type Metric } from "#mesh/catalogue.ts"
import type { LabelMatch, RangeAnswer, SeriesStore } from "../store/series-store.ts"
import { outcomeGroups, total } from "./fact.ts"
import { addBuckets, noOutcomes, type OutcomeCounts } from "./numbers.ts"
import { HOUR_MS, POINT_MS, rateMs } from "./reading.ts"
import type { RouteRow } from "./route-row.ts"

/** Who is asked about: one caller, one target, or null for all. */
export interface RouteFilter {
  readonly caller: string | null
  readonly target: string | null
}

/** One span of time of one route, by all that can tell its requests apart. */
export interface Span {
  /** That are known of it. */
  readonly seconds: number
  readonly requests: readonly SpanFact[]
  /** Durations by target node; empty with a caller filter, because durations do not know callers. */
  readonly durations: ReadonlyMap<string, Float64Array>
  /** Attempts by target node; undefined where nobody counts them or a caller is asked for. */
  readonly attempts: ReadonlyMap<string, number> | undefined
}

export interface SpanFact {
  readonly source: string
  readonly gateway: string
  readonly virtualNode: string
  readonly outcome: keyof OutcomeCounts
  readonly codeClass: string
  readonly count: number
}

/** What the route page needs beside the board. */
export interface RouteReading {
  readonly now: Span
  /** The hour that ended where the window began. */
  readonly before: Span
  /** Requests of the last hour by outcome, and durations, in steps of a minute. */
  readonly hour: RangeAnswer
  readonly durationHour: RangeAnswer
  readonly failures: RangeAnswer
  readonly connectionFailures: RangeAnswer
  readonly filter: RouteFilter
}

const REQUEST_BY = ["source", "virtual_gateway", "virtual_node", "outcome", "code_class"] as const
export const FLAG_BY = ["virtual_node", "outcome", "flag", "answered_by"] as const
export const REASON_BY = ["virtual_node", "source", "virtual_gateway", "reason"] as const

/** Labels that pick the series of a row: of one reporter, never of two. */
function matchOf(row: RouteRow): LabelMatch {
  const { key, reporter } = row
  const common = { mesh: key.mesh, flavor: key.flavor, reporter }
  return reporter === "gateway"
    ? { ...common, virtual_gateway: key.virtualGateway, gateway_route: key.gatewayRoute }
    : {
        ...common,
        virtual_service: key.virtualService,
        virtual_router: key.virtualRouter,
        route: key.route,
      }
}

/** A caller is a node (`source`) or a gateway; which one is told by who calls. */
function filtered(match: LabelMatch, filter: RouteFilter, gateways: ReadonlySet<string>): LabelMatch {
  const target = filter.target === null ? {} : { virtual_node: filter.target }
  if (filter.caller === null) return { ...match, ...target }
  const caller = gateways.has(filter.caller)
    ? { virtual_gateway: filter.caller, source: "" }
    : { source: filter.caller }
  return { ...match, ...target, ...caller }
}

export async function readRoute(
  store: SeriesStore,
  row: RouteRow,
  windowMs: number,
  filter: RouteFilter,
  knownFromMs: number,
): Promise<RouteReading> {
  const toMs = store.endMs
  const gateways = new Set(await store.labels(METRICS.requests, "virtual_gateway"))
  const match = filtered(matchOf(row), filter, gateways)
  const targetOnly = filtered(matchOf(row), { caller: null, target: filter.target }, gateways)
  const hour = (metric: Metric, by: readonly string[], labels: LabelMatch): Promise<RangeAnswer> =>
    store.query({ metric, match: labels, by, fromMs: toMs - HOUR_MS, toMs, stepMs: POINT_MS })
  const inWindow = (metric: Metric, by: readonly string[], labels: LabelMatch): Promise<RangeAnswer> =>
    store.query({ metric, match: labels, by, fromMs: toMs - windowMs, toMs })
  const span = (fromMs: number, untilMs: number): Promise<Span> =>
    readSpan(store, match, targetOnly, filter, fromMs, untilMs).then((read) =>
      Object.assign(read, { seconds: rateMs(fromMs, untilMs, knownFromMs) / 1000 }),
    )
  const { mesh, flavor } = row.key
  return {
    now: await span(toMs - windowMs, toMs),
    before: await span(toMs - windowMs - HOUR_MS, toMs - windowMs),
    hour: await hour(METRICS.requests, ["outcome"], match),
    durationHour: await hour(METRICS.duration, [], targetOnly),
    failures: await inWindow(METRICS.failures, FLAG_BY, match),
    connectionFailures: await inWindow(METRICS.connectionFailures, REASON_BY, { mesh, flavor }),
    filter,
  }
}

async function readSpan(
  store: SeriesStore,
  match: LabelMatch,
  targetOnly: LabelMatch,
  filter: RouteFilter,
  fromMs: number,
  toMs: number,
): Promise<Omit<Span, "seconds">> {
  const requests = await store.query({ metric: METRICS.requests, match, by: REQUEST_BY, fromMs, toMs })
  const byNode = ["virtual_node"]
  const durations = new Map<string, Float64Array>()
  const attempts = new Map<string, number>()
  if (filter.caller === null) {
    const told = await store.query({ metric: METRICS.duration, match: targetOnly, by: byNode, fromMs, toMs })
    for (const group of told.groups) durations.set(group.labels[0] ?? "", group.values)
    const tried = await store.query({ metric: METRICS.attempts, match: targetOnly, by: byNode, fromMs, toMs })
    for (const group of tried.groups) attempts.set(group.labels[0] ?? "", total(group.values))
  }
  return {
    requests: outcomeGroups(REQUEST_BY, requests)
      .filter(({ count }) => count > 0)
      .map(({ labels, outcome, count }) => ({
        source: labels.get("source") ?? "",
        gateway: labels.get("virtual_gateway") ?? "",
        virtualNode: labels.get("virtual_node") ?? "",
        codeClass: labels.get("code_class") ?? "",
        outcome,
        count,
      })),
    durations,
    attempts: attempts.size === 0 ? undefined : attempts,
  }
}

/** Outcomes of the facts that `takes` lets through. */
export function countsOf(span: Span, takes: (fact: SpanFact) => boolean = () => true): OutcomeCounts {
  const counts = noOutcomes()
  for (const fact of span.requests) if (takes(fact)) counts[fact.outcome] += fact.count
  return counts
}

/** Durations of one target, or of all. */
export function bucketsOf(span: Span, virtualNode: string | null): Float64Array | undefined {
  if (virtualNode !== null) return span.durations.get(virtualNode)
  let buckets: Float64Array | undefined
  for (const values of span.durations.values()) buckets = addBuckets(buckets, values)
  return buckets
}
