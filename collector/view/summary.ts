import type { Health } from "#mesh/health.ts"
import type { Answer, Tally } from "./answer.ts"
import { type Board, routeKinds, routeTally, syntheticTally, tallyOf, worstOf } from "./board.ts"
import type { DeclaredModelView } from "./declared-model.ts"
import { nodeStates } from "./node-states.ts"
import { type FaultOrigin, inOrder, originsOf } from "./origins.ts"
import type { ProxyRow } from "./proxies.ts"
import type { Proxy } from "./proxy-list.ts"
import type { RouteRow } from "./route-row.ts"
import { timeText } from "./time-text.ts"
import { unroutedOf } from "./unrouted.ts"
import { verdictOf } from "./verdict.ts"

export interface Verdict {
  readonly health: Health
  /** One sentence that a pager message could use, with its base. */
  readonly sentence: string
  /** The route it is about, when there is one. */
  readonly routeId: string | null
  readonly since: string | null
}

export interface MeshSummary {
  readonly mesh: string
  readonly flavor: string
  readonly health: Health
  readonly routes: Tally
  readonly proxiesKnown: number
  readonly proxiesAnswered: number
}

export interface SilentAgent {
  readonly id: string
  readonly host: string
  readonly lastSeenAt: string
  readonly proxies: readonly string[]
}

/** A proxy whose agent reports, and which does not answer it. */
export type UnansweredProxy = Pick<ProxyRow, "proxy" | "role" | "resource" | "since" | "why">

export interface SummaryView extends Answer {
  readonly verdict: Verdict
  /** Where what is wrong begins, as far as counts prove it: what goes on before what has ended, then most errors first. */
  readonly origins: readonly FaultOrigin[]
  /** Known routes only. */
  readonly routes: Tally
  /** Of the failing and degraded ones, those whose errors have ended. */
  readonly ended: { readonly failing: number; readonly degraded: number }
  /** The same of rows without a known route. */
  readonly syntheticEnded: number
  /** Known routes by kind: what "10 routes" is made of. */
  readonly routeKinds: Readonly<Record<RouteRow["kind"], number>>
  /** Rows of requests without one known route, which count in no tally of routes. */
  readonly synthetic: Tally
  readonly virtualNodes: Tally
  readonly meshes: readonly MeshSummary[]
  /** Up to ten, worst first; real and synthetic rows with errors. */
  readonly worst: readonly RouteRow[]
  readonly silentAgents: readonly SilentAgent[]
  /** Up to ten, longest first; those of silent agents are told there. */
  readonly unanswered: readonly UnansweredProxy[]
  /** What is wrong with the declared model that the collector watches. */
  readonly model: ModelTroubles
  /** No agent has ever reported: nothing may be judged. */
  readonly firstRun: boolean
}

/** Up to ten of each. */
export interface ModelTroubles {
  /** The collector has sources, and not all of them told something. */
  readonly waiting: boolean
  readonly problems: readonly string[]
  readonly notes: readonly string[]
  readonly notesTotal: number
}

/** The first answer: is anything wrong, where, since when, and on what base that is said. */
export function summaryView(board: Board, model: DeclaredModelView): SummaryView {
  const { head, reading, proxies, rows } = board
  const origins = inOrder([...originsOf(board), ...unroutedOf(board)])
  const past = rows.filter((row) => row.endedAt !== null)
  const over = routeTally(past)
  const lost = syntheticTally(past)
  return {
    ...head,
    verdict: verdictOf(board, origins),
    origins,
    routes: routeTally(rows),
    ended: { failing: over.failing, degraded: over.degraded },
    syntheticEnded: lost.failing + lost.degraded,
    routeKinds: routeKinds(rows),
    synthetic: syntheticTally(rows),
    virtualNodes: tallyOf(nodeStates(board).map((node) => node.health)),
    meshes: meshesOf(board),
    worst: rows.filter((row) => row.numbers.errors > 0 || row.health === "failing").slice(0, 10),
    silentAgents: reading.agents
      .filter((agent) => agent.lastSeenMs < reading.silentBeforeMs)
      .map((agent) => ({
        id: agent.id,
        host: agent.host,
        lastSeenAt: timeText(agent.lastSeenMs),
        proxies: proxies.filter((proxy) => proxy.agent === agent.id).map((proxy) => proxy.proxy),
      })),
    unanswered: unansweredOf(proxies),
    model: {
      waiting: model.configured && !model.known,
      problems: [...new Set(model.sources.flatMap(({ problem }) => problem ?? []))].slice(0, 10),
      notes: model.notes.slice(0, 10),
      notesTotal: model.notesTotal,
    },
    firstRun: reading.agents.length === 0,
  }
}

function unansweredOf(proxies: readonly Proxy[]): UnansweredProxy[] {
  return proxies
    .filter(({ answered, state }) => !answered && state !== "silent")
    .toSorted((a, b) => ((a.since ?? "") < (b.since ?? "") ? -1 : 1))
    .slice(0, 10)
    .map(({ proxy, role, resource, since, why }) => ({ proxy, role, resource, since, why }))
}

/** Every mesh that a resource, a row or a proxy is of. */
export function meshesOf(board: Board): MeshSummary[] {
  const meshes = new Map<string, { mesh: string; flavor: string }>()
  const put = (mesh: string, flavor: string): void => {
    meshes.set(`${mesh}\u0000${flavor}`, { mesh, flavor })
  }
  for (const resource of board.inventory.resources) put(resource.mesh, resource.flavor)
  for (const row of board.rows) put(row.key.mesh, row.key.flavor)
  // A proxy that nobody could name yet belongs to no mesh that is known.
  for (const proxy of board.proxies) if (proxy.mesh !== "") put(proxy.mesh, proxy.flavor)
  return [...meshes.values()].map(({ mesh, flavor }) => {
    const rows = board.rows.filter((row) => row.key.mesh === mesh && row.key.flavor === flavor)
    const proxies = board.proxies.filter((proxy) => proxy.mesh === mesh && proxy.flavor === flavor)
    const routes = routeTally(rows)
    return {
      mesh,
      flavor,
      health: worstOf(rows.filter((row) => row.synthetic === null).map((row) => row.health)),
      routes,
      proxiesKnown: proxies.length,
      proxiesAnswered: proxies.filter((proxy) => proxy.answered).length,
    }
  })
}
