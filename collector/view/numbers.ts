import { errorRatio } from "#mesh/health.ts"
import type { Outcome } from "#mesh/outcome.ts"
import { HISTOGRAM_WIDTH } from "../store/cells.ts"
import type { RequestNumbers } from "./answer.ts"
import { quantileMs } from "./quantile.ts"

/** Requests by outcome. */
export type OutcomeCounts = Record<Outcome, number>

export function noOutcomes(): OutcomeCounts {
  return { ok: 0, client_error: 0, error: 0, aborted: 0 }
}

/** Numbers of one row. `buckets` as the store gives them for one step; undefined where nobody measured durations. */
export function numbersOf(
  counts: OutcomeCounts,
  buckets: Float64Array | undefined,
  windowSeconds: number,
): RequestNumbers {
  const requests = counts.ok + counts.client_error + counts.error + counts.aborted
  const quantile = (q: number): number | null => (buckets === undefined ? null : quantileMs(buckets, q))
  return {
    requests,
    requestsPerSecond: requests / windowSeconds,
    ok: counts.ok,
    clientErrors: counts.client_error,
    errors: counts.error,
    aborted: counts.aborted,
    errorRatio:
      errorRatio({ ok: counts.ok, clientErrors: counts.client_error, errors: counts.error }) ?? null,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
  }
}

/** Adds the buckets of one group to others. */
export function addBuckets(into: Float64Array | undefined, values: Float64Array): Float64Array {
  if (into === undefined) return Float64Array.from(values)
  for (let index = 0; index < values.length; index++) into[index] = (into[index] ?? 0) + (values[index] ?? 0)
  return into
}

/** One quantile per step. */
export function quantileSteps(values: Float64Array | undefined, steps: number, q: number): (number | null)[] {
  return Array.from({ length: steps }, (_, step) =>
    values === undefined ? null : quantileMs(values, q, step * HISTOGRAM_WIDTH),
  )
}
