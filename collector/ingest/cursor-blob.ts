import { BUCKETS } from "../store/cells.ts"
import { metricNamed } from "../store/series-index.ts"
import type { SeriesRef, SeriesStore } from "../store/series-store.ts"
import { finishBlob, isBlob, makeBlobWriter, putEntry, readBlob } from "../store/tick-blob.ts"
import { type Agent, makeAgent } from "./agents.ts"
import type { Cursor } from "./cursor.ts"

/** Numbers per cursor: reference + 1, start, value, then counts. Zeros take no bytes. */
const STRIDE = 3 + BUCKETS

/** All cursors of an agent, kept in the same transaction as the increments that they led to. */
export function cursorBytes(agent: Agent): Uint8Array {
  const writer = makeBlobWriter()
  let base = 0
  for (const cursor of agent.cursors.values()) {
    putEntry(writer, base, cursor.ref + 1)
    if (cursor.startMs > 0) putEntry(writer, base + 1, cursor.startMs)
    if (cursor.value > 0) putEntry(writer, base + 2, cursor.value)
    const { counts } = cursor
    if (counts !== undefined)
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        const count = counts[bucket] ?? 0
        if (count > 0) putEntry(writer, base + 3 + bucket, count)
      }
    base += STRIDE
  }
  return finishBlob(writer) ?? new Uint8Array()
}

/** Reads them back; series that are no more are left out. */
export function readCursors(agent: Agent, bytes: Uint8Array, store: SeriesStore): void {
  if (!isBlob(bytes)) return
  let cursor: Cursor | undefined
  readBlob(bytes, (cell, value) => {
    const part = cell % STRIDE
    if (part === 0) {
      cursor = cursorOf(value - 1, agent, store)
      if (cursor !== undefined) agent.cursors.set(cursor.ref, cursor)
    } else if (cursor !== undefined) {
      if (part === 1) cursor.startMs = value
      else if (part === 2) cursor.value = value
      else if (cursor.counts !== undefined) cursor.counts[part - 3] = value
    }
  })
}

function cursorOf(ref: SeriesRef, agent: Agent, store: SeriesStore): Cursor | undefined {
  const metric = metricNamed(store.describe(ref)?.metric ?? "")
  if (metric === undefined) return undefined
  return {
    ref,
    metric,
    startMs: 0,
    timeMs: 0,
    value: 0,
    counts: metric.type === "histogram" ? new Float64Array(BUCKETS) : undefined,
    touchedMs: agent.lastSeenMs,
    gone: false,
  }
}

/** Names and times of all agents, as JSON. */
export function agentsBytes(agents: Iterable<Agent>): Uint8Array {
  const rows = [...agents].map(({ id, host, firstSeenMs, lastSeenMs, skewMs }) => ({
    id,
    host,
    firstSeenMs,
    lastSeenMs,
    skewMs,
  }))
  return Buffer.from(JSON.stringify(rows))
}

/** Agents of the last run that reported since `afterMs`. Damaged bytes give none: then all begin anew. */
export function readAgents(bytes: Uint8Array | undefined, afterMs: number): Agent[] {
  if (bytes === undefined) return []
  try {
    const rows: unknown = JSON.parse(Buffer.from(bytes).toString())
    return Array.isArray(rows) ? rows.flatMap((row: unknown) => agentOf(row, afterMs)) : []
  } catch {
    return []
  }
}

function agentOf(row: unknown, afterMs: number): Agent[] {
  if (!isRecord(row)) return []
  const { id, host, firstSeenMs, lastSeenMs, skewMs } = row
  if (typeof id !== "string" || typeof host !== "string" || typeof skewMs !== "number") return []
  if (typeof firstSeenMs !== "number" || typeof lastSeenMs !== "number" || lastSeenMs < afterMs) return []
  return [{ ...makeAgent(id, host, firstSeenMs), lastSeenMs, skewMs }]
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null
}
