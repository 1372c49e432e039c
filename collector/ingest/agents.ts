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
  /** By metric name: raw attribute bytes to cursors, which spares decoding names that do not change. */
  readonly aliases: Map<string, Aliases>
  readonly cursors: Map<SeriesRef, Cursor>
  /** Whether cursors moved since they were last staged. */
  dirty: boolean
}

/** A raw name of a series, and the one that came after it in the last request: senders keep their order. */
export interface Alias {
  readonly key: string
  cursor: Cursor
  next: Alias | undefined
}

export interface Aliases {
  readonly byKey: Map<string, Alias>
  /** The alias of the point before. */
  last: Alias | undefined
}

/** Finds an alias: first where it stood last time, which costs a comparison, then by its hash. */
export function aliasOf(aliases: Aliases, key: string): Alias | undefined {
  const { last } = aliases
  const guess = last?.next
  const found = guess !== undefined && guess.key === key ? guess : aliases.byKey.get(key)
  if (found !== undefined) {
    if (last !== undefined) last.next = found
    aliases.last = found
  }
  return found
}

export function addAlias(aliases: Aliases, key: string, cursor: Cursor): void {
  const made: Alias = { key, cursor, next: undefined }
  aliases.byKey.set(key, made)
  if (aliases.last !== undefined) aliases.last.next = made
  aliases.last = made
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
  for (const [name, aliases] of agent.aliases) if (aliases.byKey.size > most) agent.aliases.delete(name)
}
