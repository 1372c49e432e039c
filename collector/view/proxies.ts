import type { Answer } from "./answer.ts"
import type { Board } from "./board.ts"
import type { Proxy } from "./proxy-list.ts"
import type { PageProblem } from "./proxy-problems.ts"
import { timeText } from "./time-text.ts"

/** `silent`: its agent reports no more. `down`: the agent reports, the proxy does not answer. */
export const PROXY_STATES = ["live", "draining", "initializing", "down", "silent", "unknown"] as const
export type ProxyWord = (typeof PROXY_STATES)[number]

export interface ProxyRow {
  readonly proxy: string
  readonly agent: string
  readonly host: string
  /** Mesh, flavor, role and resource are empty or null while its configuration was never read: nobody knows them. */
  readonly mesh: string
  readonly flavor: string
  readonly role: "sidecar" | "gateway" | null
  /** Name of the virtual node or gateway. */
  readonly resource: string
  readonly state: ProxyWord
  /** Why it is in this state, in words; null for a live one. */
  readonly why: string | null
  /** Admin pages that its agent cannot read. */
  readonly problems: readonly PageProblem[]
  /** Last change of the state that this collector saw; null when it saw none. */
  readonly since: string | null
  readonly version: string | null
  readonly controlPlane: boolean | null
  readonly configAgeSeconds: number | null
  /** Its configuration is older than a replica's by more than an hour. */
  readonly drifts: boolean
  readonly provenance: string | null
  /** What cannot be read and would add to the numbers. */
  readonly missing: readonly string[]
  /** Which way its spans go, in words (`mesh/span-way.ts`); null when its agent does not tell. */
  readonly spans: string | null
  readonly uptimeSeconds: number | null
  readonly memoryBytes: number | null
  /** Of the resource and all its proxies, share of requests unaccounted; null when not known. */
  readonly unaccountedRatio: number | null
  readonly xdsRejected: number
  readonly logWriteFailures: number
}

export interface AgentRow {
  readonly id: string
  readonly host: string
  readonly firstSeenAt: string
  readonly lastSeenAt: string
  readonly reports: boolean
  /** Its clock minus ours, seconds. */
  readonly skewSeconds: number
  readonly proxies: number
}

export interface ProxiesView extends Answer {
  readonly rows: readonly ProxyRow[]
  readonly total: number
  readonly next: number | null
  readonly agents: readonly AgentRow[]
}

/** Not live first, then silent, then by resource and name. */
export function proxiesView(board: Board, offset: number, limit: number): ProxiesView {
  const { reading } = board
  const rows = board.proxies.map(withoutAnswer).toSorted(byState)
  const end = offset + limit
  return {
    ...board.head,
    rows: rows.slice(offset, end),
    total: rows.length,
    next: end < rows.length ? end : null,
    agents: reading.agents.map((agent) => ({
      id: agent.id,
      host: agent.host,
      firstSeenAt: timeText(agent.firstSeenMs),
      lastSeenAt: timeText(agent.lastSeenMs),
      reports: agent.lastSeenMs >= reading.silentBeforeMs,
      // Never -0, which would be shown.
      skewSeconds: Math.round(agent.skewMs / 100) / 10 + 0,
      proxies: board.proxies.filter((proxy) => proxy.agent === agent.id).length,
    })),
  }
}

/** Without what only the collector's own rules ask for. */
function withoutAnswer(proxy: Proxy): ProxyRow {
  const row: ProxyRow & { answered?: boolean } = { ...proxy }
  delete row.answered
  return row
}

const ORDER: readonly ProxyWord[] = ["initializing", "down", "draining", "silent", "unknown", "live"]

function byState(a: ProxyRow, b: ProxyRow): number {
  const text = (row: ProxyRow): string => [row.mesh, row.resource, row.proxy, row.agent].join("\u0000")
  return ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || (text(a) < text(b) ? -1 : 1)
}
