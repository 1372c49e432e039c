import type { Health } from "#mesh/health.ts"
import type { Answer, Tally } from "./answer.ts"
import type { RouteRow } from "./route-row.ts"

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

export interface SummaryView extends Answer {
  readonly verdict: Verdict
  /** Real routes only. */
  readonly routes: Tally
  readonly virtualNodes: Tally
  readonly meshes: readonly MeshSummary[]
  /** Up to ten, worst first; real and synthetic rows with errors. */
  readonly worst: readonly RouteRow[]
  readonly silentAgents: readonly SilentAgent[]
  /** No agent has ever reported: nothing may be judged. */
  readonly firstRun: boolean
}
