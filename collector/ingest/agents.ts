import type { SeriesRef } from "../store/series-store.ts"
import type { Cursor } from "./cursor.ts"

/** One sender, by its `service.instance.id`. Times are ours, ms. */
export interface Agent {
  readonly id: string
  host: string
  readonly firstSeenMs: number
  lastSeenMs: number
  /** When it last sent before the present burst of requests (one tick takes several); 0 for the first burst. */
  previousMs: number
  /** When the present burst began. */
  burstMs: number
  /** Newest sample time of its last request minus our clock. */
  skewMs: number
  /** The request that `skewMs` is of. */
  skewAtMs: number
  /** Metric name, then raw attribute bytes, to the cursor: spares decoding names that do not change. */
  readonly aliases: Map<string, Map<string, Cursor>>
  readonly cursors: Map<SeriesRef, Cursor>
  /** Whether cursors moved since they were last staged. */
  dirty: boolean
}

/** What others may know of an agent. */
export type AgentSeen = Pick<
  Agent,
  "id" | "host" | "firstSeenMs" | "lastSeenMs" | "previousMs" | "skewMs"
> & { readonly series: number }

export function makeAgent(id: string, host: string, nowMs: number): Agent {
  return {
    id,
    host,
    firstSeenMs: nowMs,
    lastSeenMs: nowMs,
    previousMs: 0,
    burstMs: nowMs,
    skewMs: 0,
    skewAtMs: 0,
    aliases: new Map(),
    cursors: new Map(),
    dirty: false,
  }
}

/** Notes a request. A pause of half a step, or a whole step of sending, begins a new burst. */
export function noteRequest(agent: Agent, nowMs: number, stepMs: number): void {
  if (nowMs - agent.lastSeenMs > stepMs / 2 || nowMs - agent.burstMs > stepMs) {
    agent.previousMs = agent.lastSeenMs
    agent.burstMs = nowMs
  }
  agent.lastSeenMs = nowMs
  agent.dirty = true
}

const ID_LENGTH = 256

/** Identity from resource attributes (name, value pairs). Names are cut, so that nobody can fill the memory with one. */
export function identityOf(attributes: readonly string[]): { id: string; host: string } {
  let id = ""
  let host = ""
  for (let index = 0; index + 1 < attributes.length; index += 2) {
    const value = (attributes[index + 1] ?? "").slice(0, ID_LENGTH)
    if (attributes[index] === "service.instance.id") id = value
    else if (attributes[index] === "host.name") host = value
  }
  return { id: id === "" ? (host === "" ? "(unnamed)" : host) : id, host }
}

/** Aliases of cursors that are gone, and raw names that a sender varies without end, are cut by starting anew. */
export function tidyAliases(agent: Agent): void {
  const most = Math.max(1024, agent.cursors.size * 4)
  for (const byKey of agent.aliases.values()) if (byKey.size > most) byKey.clear()
}
