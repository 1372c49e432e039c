import type { ApiName } from "./operation.ts"

/** What can be made to go wrong. The signature is checked before, so a fault never hides a bad one (but for `drop`). */
export type Fault =
  /** The service's own "too many calls". */
  | { readonly kind: "throttle"; readonly retryAfterSeconds?: number }
  /** Any other error; default: 500 InternalFailure. */
  | {
      readonly kind: "error"
      readonly status?: number
      readonly code?: string
      readonly message?: string
      readonly retryAfterSeconds?: number
    }
  /** The connection is closed before anything was done. */
  | { readonly kind: "drop" }
  /** All is done, then the connection is closed without an answer: who sends again sends twice. */
  | { readonly kind: "lose" }
  /** No answer, until `stop()`. */
  | { readonly kind: "hang" }
  /** It takes this long, and then goes on as always. */
  | { readonly kind: "slow"; readonly ms: number }
  /**
   * The first records of the call are refused, the others taken, where the API can say so: PutLogEvents, PutTraceSegments,
   * OTLP, remote write. `code`: the word for it, where the API has one.
   */
  | { readonly kind: "refuse"; readonly first: number; readonly code?: string }

/** An API, all of one service (`"logs:*"`), or all. */
export type FaultScope = ApiName | `${"ecs" | "logs" | "xray" | "monitoring" | "otlp" | "aps"}:*` | "*"

export interface Faults {
  /** Adds one. `times`: for how many calls. Returns what takes it away again. The newest that fits counts. */
  fail(scope: FaultScope, fault: Fault, times?: number): () => void
  /** The fault of a call that begins now, if any. */
  next(api: ApiName): Fault | undefined
}

export function makeFaults(): Faults {
  let rules: { scope: FaultScope; fault: Fault; left: number }[] = []
  const fits = (scope: FaultScope, api: ApiName): boolean =>
    scope === "*" || scope === api || scope === `${api.split(":")[0]}:*`
  return {
    fail(scope, fault, times = Number.POSITIVE_INFINITY) {
      const rule = { scope, fault, left: times }
      rules.unshift(rule)
      return () => {
        rules = rules.filter((other) => other !== rule)
      }
    },
    next(api) {
      const rule = rules.find(({ scope, left }) => left > 0 && fits(scope, api))
      if (rule === undefined) return undefined
      rule.left--
      return rule.fault
    },
  }
}

/** Most calls of an API within one second, counted from the first of that second. */
export function makeCeiling(
  perSecond: Partial<Record<ApiName, number>>,
): (api: ApiName, nowMs: number) => boolean {
  const windows = new Map<ApiName, { fromMs: number; calls: number }>()
  return (api, nowMs) => {
    const most = perSecond[api]
    if (most === undefined) return true
    let window = windows.get(api)
    if (window === undefined || nowMs - window.fromMs >= 1000) {
      window = { fromMs: nowMs, calls: 0 }
      windows.set(api, window)
    }
    window.calls++
    return window.calls <= most
  }
}
