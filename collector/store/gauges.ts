import type { Series, SeriesIndex } from "./series-index.ts"
import { matches } from "./series-index.ts"
import type { GaugeRow, LabelMatch } from "./series-store.ts"

interface Told {
  value: number
  atMs: number
  sinceMs: number
}

/** Last values by series and agent. */
export type Gauges = Map<number, Map<string, Told>>

/** Agents that may tell the same gauge; more are not kept, so that names of agents cannot fill the memory. */
const AGENTS_PER_GAUGE = 4096

export function setGauge(gauges: Gauges, id: number, agent: string, value: number, atMs: number): void {
  let byAgent = gauges.get(id)
  if (byAgent === undefined) {
    byAgent = new Map()
    gauges.set(id, byAgent)
  }
  const told = byAgent.get(agent)
  if (told === undefined) {
    if (byAgent.size < AGENTS_PER_GAUGE) byAgent.set(agent, { value, atMs, sinceMs: atMs })
    return
  }
  if (told.value !== value) told.sinceMs = atMs
  told.value = value
  told.atMs = atMs
}

export function gaugeRows(
  gauges: Gauges,
  index: SeriesIndex,
  metric: string,
  match: LabelMatch | undefined,
): GaugeRow[] {
  const rows: GaugeRow[] = []
  for (const series of index.byMetric.get(metric) ?? []) {
    if (!matches(series.labels, match)) continue
    for (const [agent, told] of gauges.get(series.id) ?? [])
      rows.push({ labels: series.labels, agent, ...told })
  }
  return rows
}

/** Takes out what was not told since `beforeMs` and answers the series that nobody tells any more. */
export function expireGauges(gauges: Gauges, index: SeriesIndex, beforeMs: number): Series[] {
  const empty: Series[] = []
  for (const [id, byAgent] of gauges) {
    for (const [agent, told] of byAgent) if (told.atMs < beforeMs) byAgent.delete(agent)
    if (byAgent.size > 0) continue
    gauges.delete(id)
    const series = index.byId[id]
    if (series !== undefined) empty.push(series)
  }
  return empty
}

/** As JSON, for the next start. */
export function gaugesBytes(gauges: Gauges): Uint8Array {
  const rows: [number, string, number, number, number][] = []
  for (const [id, byAgent] of gauges)
    for (const [agent, told] of byAgent) rows.push([id, agent, told.value, told.atMs, told.sinceMs])
  return Buffer.from(JSON.stringify(rows))
}

/** Damaged bytes give no gauges: agents tell them again within minutes. */
export function gaugesFrom(bytes: Uint8Array | undefined, index: SeriesIndex): Gauges {
  const gauges: Gauges = new Map()
  if (bytes === undefined) return gauges
  try {
    const rows: unknown = JSON.parse(Buffer.from(bytes).toString())
    if (!Array.isArray(rows)) return gauges
    for (const row of rows as unknown[]) restoreRow(gauges, index, row)
  } catch {
    return new Map()
  }
  return gauges
}

function restoreRow(gauges: Gauges, index: SeriesIndex, row: unknown): void {
  if (!Array.isArray(row)) return
  const [id, agent, value, atMs, sinceMs] = row as unknown[]
  if (typeof id !== "number" || typeof agent !== "string" || typeof value !== "number") return
  if (typeof atMs !== "number" || typeof sinceMs !== "number") return
  if (index.byId[id]?.metric.type !== "gauge") return
  setGauge(gauges, id, agent, value, sinceMs)
  setGauge(gauges, id, agent, value, atMs)
}
