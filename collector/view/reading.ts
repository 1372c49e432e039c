import { METRICS, type Metric, ROUTE_KEY } from "#mesh/catalogue.ts"
import type { AgentSeen } from "../ingest/agents.ts"
import type { GaugeRow, LabelMatch, RangeAnswer, SeriesStore, StoreHealth } from "../store/series-store.ts"
import { type FailureFact, failureFacts, type RequestFact, requestFacts } from "./fact.ts"

const ROUTE = ["mesh", "flavor", "reporter", ...ROUTE_KEY] as const
const REQUEST_BY = [...ROUTE, "source", "virtual_node", "outcome", "code_class", "provenance"] as const
const FAILURE_BY = [...ROUTE, "virtual_node", "outcome", "flag", "answered_by"] as const
export const HOUR_BY = [...ROUTE, "outcome"] as const
export const DURATION_BY = [...ROUTE, "virtual_node"] as const
export const DURATION_HOUR_BY = ROUTE
export const TCP_BY = [
  "mesh",
  "flavor",
  "reporter",
  "virtual_service",
  "source",
  "virtual_node",
  "outcome",
] as const
export const NODE_BY = ["mesh", "flavor", "reporter", "virtual_node", "outcome"] as const
export const RECENT_BY = ["mesh", "flavor", "virtual_node", "outcome"] as const
const PROXY_BY = ["mesh", "flavor", "virtual_node", "virtual_gateway", "proxy", "reason"] as const

export const HOUR_MS = 3_600_000
export const POINT_MS = 60_000
/** Services, and nodes, whose errors are looked at in the store's own steps; those beyond have the fewest errors. */
const MOST_FINE = 64
/** What "now" means beside a window: long enough for two steps of 15 s. */
const RECENT_MS = 30_000

/** What views are made of: one question of a mesh and a window, asked of the store once per generation. */
export interface Reading {
  /** End of the newest step that is over, and our clock, ms. */
  readonly endMs: number
  readonly nowMs: number
  readonly windowMs: number
  /** Before this nothing is known, ms; `endMs` when no agent has reported. */
  readonly knownFromMs: number
  /** What rates are the mean over: the window, or the part of it that anything is known of, but at least a minute. */
  readonly rateMs: number
  readonly mesh: string | null
  readonly requests: readonly RequestFact[]
  readonly failures: readonly FailureFact[]
  /** What nodes themselves saw in the last 30 s, by `RECENT_BY`. */
  readonly recent: RangeAnswer
  /** What nodes with errors and their callers saw of the window, in the store's own steps, by `NODE_BY`. */
  readonly nodes: RangeAnswer
  /** By `HOUR_BY`, 60 steps of a minute up to `endMs`. */
  readonly hour: RangeAnswer
  /** The same hour in the store's own steps, of services with errors in the window. */
  readonly fine: RangeAnswer
  /** Durations in the window, by `DURATION_BY`. */
  readonly durations: RangeAnswer
  /** By `DURATION_HOUR_BY`, 60 steps. */
  readonly durationHour: RangeAnswer
  readonly tcpOpened: RangeAnswer
  readonly tcpClosed: RangeAnswer
  readonly tcpSent: RangeAnswer
  readonly tcpReceived: RangeAnswer
  /** By mesh, flavor, virtual_node, virtual_gateway. */
  readonly unaccounted: RangeAnswer
  /** By `UNMAPPED_BY`. */
  readonly unmapped: RangeAnswer
  readonly xdsRejected: RangeAnswer
  readonly logWriteFailures: RangeAnswer
  readonly gauges: Readonly<Record<GaugeKey, readonly GaugeRow[]>>
  readonly agents: readonly AgentSeen[]
  /** Agents older than this are silent, ms of our clock. */
  readonly silentBeforeMs: number
  readonly store: StoreHealth
}

export type GaugeKey =
  | "proxyInfo"
  | "proxyUp"
  | "proxyState"
  | "proxyProblem"
  | "proxyUptime"
  | "proxyMemory"
  | "controlPlane"
  | "configAge"
  | "resourceInfo"
  | "routeWeight"
  | "objective"
  | "upstreamHosts"
  | "activeConnections"

export const UNMAPPED_BY = PROXY_BY

export interface ReadingDeps {
  readonly store: SeriesStore
  readonly agents: () => readonly AgentSeen[]
  readonly nowMs: () => number
  /** An agent that sent nothing for so long is silent. */
  readonly agentSilentMs: number
}

/** Asks the store everything that the views of one mesh and window need. `mesh` null: all meshes. */
export async function read(deps: ReadingDeps, windowMs: number, mesh: string | null): Promise<Reading> {
  const { store } = deps
  const toMs = store.endMs
  const match: LabelMatch = mesh === null ? {} : { mesh }
  const inWindow = (metric: Metric, by: readonly string[]): Promise<RangeAnswer> =>
    store.query({ metric, match, by, fromMs: toMs - windowMs, toMs })
  const inHour = (metric: Metric, by: readonly string[]): Promise<RangeAnswer> =>
    store.query({ metric, match, by, fromMs: toMs - HOUR_MS, toMs, stepMs: POINT_MS })
  // A proxy that nobody could name yet has no mesh: it may be of this one.
  const orUnnamed: LabelMatch = mesh === null ? {} : { mesh: [mesh, ""] }
  const gauge = (key: GaugeKey): Promise<readonly GaugeRow[]> => store.gauges(METRICS[key], match)
  const agents = deps.agents()
  const hour = await inHour(METRICS.requests, HOUR_BY)
  const fromMs = knownFrom(agents, hour, toMs)
  const requests = requestFacts(REQUEST_BY, await inWindow(METRICS.requests, REQUEST_BY))
  return {
    endMs: toMs,
    nowMs: deps.nowMs(),
    windowMs,
    knownFromMs: fromMs,
    rateMs: rateMs(toMs - windowMs, toMs, fromMs),
    mesh,
    requests,
    failures: failureFacts(FAILURE_BY, await inWindow(METRICS.failures, FAILURE_BY)),
    recent: await store.query({
      metric: METRICS.requests,
      match: { ...match, reporter: "destination" },
      by: RECENT_BY,
      fromMs: toMs - RECENT_MS,
      toMs,
    }),
    nodes: await store.query({
      metric: METRICS.requests,
      match: {
        ...match,
        virtual_node: withErrors(requests, ({ virtualNode }) => virtualNode),
        // Of gateways only those tell a node that no other row tells: see caller-saw.ts.
        reporter: ["source", "gateway", "destination"],
      },
      by: NODE_BY,
      fromMs: toMs - windowMs,
      toMs,
      stepMs: store.stepMs,
    }),
    hour,
    fine: await store.query({
      metric: METRICS.requests,
      match: {
        ...match,
        virtual_service: withErrors(requests, ({ key }) => key.virtualService),
        reporter: ["source", "gateway"],
      },
      by: HOUR_BY,
      fromMs: toMs - HOUR_MS,
      toMs,
      stepMs: store.stepMs,
    }),
    durations: await inWindow(METRICS.duration, DURATION_BY),
    durationHour: await inHour(METRICS.duration, DURATION_HOUR_BY),
    tcpOpened: await inWindow(METRICS.tcpOpened, TCP_BY),
    tcpClosed: await inWindow(METRICS.tcpClosed, TCP_BY),
    tcpSent: await inWindow(METRICS.tcpSent, TCP_BY),
    tcpReceived: await inWindow(METRICS.tcpReceived, TCP_BY),
    unaccounted: await inWindow(METRICS.unaccounted, PROXY_BY),
    unmapped: await store.query({
      metric: METRICS.unmapped,
      match: orUnnamed,
      by: UNMAPPED_BY,
      fromMs: toMs - windowMs,
      toMs,
    }),
    xdsRejected: await inHour(METRICS.xdsRejected, PROXY_BY),
    logWriteFailures: await inHour(METRICS.logWriteFailures, PROXY_BY),
    gauges: {
      proxyInfo: await store.gauges(METRICS.proxyInfo, orUnnamed),
      proxyUp: await store.gauges(METRICS.proxyUp, orUnnamed),
      proxyState: await gauge("proxyState"),
      proxyProblem: await store.gauges(METRICS.proxyProblem, orUnnamed),
      proxyUptime: await gauge("proxyUptime"),
      proxyMemory: await gauge("proxyMemory"),
      controlPlane: await gauge("controlPlane"),
      configAge: await gauge("configAge"),
      resourceInfo: await gauge("resourceInfo"),
      routeWeight: await gauge("routeWeight"),
      objective: await gauge("objective"),
      upstreamHosts: await gauge("upstreamHosts"),
      activeConnections: await gauge("activeConnections"),
    },
    agents,
    silentBeforeMs: deps.nowMs() - deps.agentSilentMs,
    store: store.health(),
  }
}

/** Services or nodes with errors, sorted by name, so that the same ones make the same question. */
function withErrors(requests: readonly RequestFact[], nameOf: (fact: RequestFact) => string): string[] {
  const errors = new Map<string, number>()
  for (const fact of requests)
    if (fact.outcome === "error" && fact.count > 0)
      errors.set(nameOf(fact), (errors.get(nameOf(fact)) ?? 0) + fact.count)
  return [...errors]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, MOST_FINE)
    .map(([name]) => name)
    .toSorted((a, b) => (a < b ? -1 : 1))
}

/** Ids of agents that reported lately: gauges of others are of the past. */
export function reportingAgents({ agents, silentBeforeMs }: Reading): ReadonlySet<string> {
  return new Set(agents.filter((agent) => agent.lastSeenMs >= silentBeforeMs).map(({ id }) => id))
}

/** Whether any agent fell silent: what it told of is not known since. */
export function hasSilentAgent({ agents, silentBeforeMs }: Reading): boolean {
  return agents.some((agent) => agent.lastSeenMs < silentBeforeMs)
}

/** When the first agent reported that is still known, or an earlier minute of the last hour that holds a request. */
function knownFrom(agents: readonly AgentSeen[], hour: RangeAnswer, endMs: number): number {
  const first = Math.min(endMs, ...agents.map((agent) => agent.firstSeenMs))
  const minutes = hour.groups.map(({ values }) => values.findIndex((value) => value > 0))
  const minute = Math.min(...minutes.filter((index) => index >= 0))
  const start = hour.fromMs + minute * hour.stepMs
  return start + hour.stepMs <= first ? start : first
}

/** How much of a span is known. The first report may tell of some time before it, so less than a minute is no measure. */
export function rateMs(fromMs: number, toMs: number, knownFromMs: number): number {
  return Math.min(toMs - fromMs, Math.max(POINT_MS, toMs - Math.max(fromMs, knownFromMs)))
}
