/** The five states and their limits, in one place for page, API, dashboards and alerts. */
export const HEALTH_STATES = ["failing", "degraded", "ok", "no traffic", "unknown"] as const
export type Health = (typeof HEALTH_STATES)[number]

export const HEALTH_RULES = {
  degradedErrorRatio: 0.01,
  failingErrorRatio: 0.05,
  /** One failure on a quiet route is no state. */
  minimumErrors: 5,
} as const

export interface HealthInput {
  readonly ok: number
  readonly clientErrors: number
  readonly errors: number
  readonly aborted: number
  /** Hosts as the worst client sees them; undefined when no client told. */
  readonly healthyHosts?: number
  readonly totalHosts?: number
  /** Whether every proxy that would report this resource answered in the window. */
  readonly complete: boolean
  /** Whether any proxy that would report it was ever seen. */
  readonly seen: boolean
}

/** errors / (ok + client errors + errors); undefined without traffic. Aborted requests count nowhere. */
export function errorRatio(input: Pick<HealthInput, "ok" | "clientErrors" | "errors">): number | undefined {
  const all = input.ok + input.clientErrors + input.errors
  return all === 0 ? undefined : input.errors / all
}

/** State of one resource in one window. A failing resource stays failing when part of its proxies is silent; a clean one becomes unknown. */
export function healthOf(input: HealthInput): Health {
  const ratio = errorRatio(input)
  const enough = input.errors >= HEALTH_RULES.minimumErrors
  if (input.totalHosts !== undefined && input.totalHosts > 0 && input.healthyHosts === 0) return "failing"
  if (ratio !== undefined && enough && ratio >= HEALTH_RULES.failingErrorRatio) return "failing"
  if (ratio !== undefined && enough && ratio >= HEALTH_RULES.degradedErrorRatio) return "degraded"
  if (!input.seen || !input.complete) return "unknown"
  return ratio === undefined && input.aborted === 0 ? "no traffic" : "ok"
}
