import type { PointCounts } from "../ingest/intake.ts"
import type { Answer } from "./answer.ts"
import type { Board } from "./board.ts"
import { timeText } from "./time-text.ts"

export interface CollectorHealthView extends Answer {
  readonly status: "ok" | "degraded"
  readonly upSeconds: number
  readonly agentsKnown: number
  readonly series: number
  readonly seriesLimit: number
  /** Series refused above the limit, since start. */
  readonly seriesRefused: number
  readonly points: {
    readonly accepted: number
    readonly repeated: number
    readonly old: number
    readonly resets: number
    readonly clamped: number
    readonly rejected: number
  }
  readonly store: {
    readonly problem: string | null
    readonly lastCommitAt: string | null
    readonly bytes: number
  }
}

export function collectorHealthView(
  board: Board,
  counts: PointCounts,
  startedMs: number,
): CollectorHealthView {
  const { store, nowMs, agents } = board.reading
  return {
    ...board.head,
    status: store.problem === undefined && store.seriesRefused === 0 ? "ok" : "degraded",
    upSeconds: Math.max(0, Math.round((nowMs - startedMs) / 1000)),
    agentsKnown: agents.length,
    series: store.series,
    seriesLimit: store.seriesLimit,
    seriesRefused: store.seriesRefused,
    points: {
      accepted: counts.accepted + counts.baselines,
      repeated: counts.repeated,
      old: counts.old,
      resets: counts.resets,
      clamped: counts.clamped,
      rejected: counts.rejected,
    },
    store: {
      problem: store.problem ?? null,
      lastCommitAt: store.lastCommitMs === undefined ? null : timeText(store.lastCommitMs),
      bytes: store.bytes,
    },
  }
}
