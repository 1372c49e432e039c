import type { Answer } from "./answer.ts"

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
