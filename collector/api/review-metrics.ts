import { Counter, type Registry } from "prom-client"
import type { ReviewResult } from "../access/pod-identity.ts"

/** Counts questions to the API server about tokens of pods. */
export function makeReviewCounts(): {
  readonly count: (result: ReviewResult) => void
  readonly register: (registry: Registry) => void
} {
  const reviews = new Counter({
    name: "mesh_collector_token_reviews_total",
    help: "Tokens of pods that the API server was asked about: good, bad, failed (no answer), busy (not asked).",
    labelNames: ["result"],
    registers: [],
  })
  return {
    count: (result) => reviews.inc({ result }),
    register: (registry) => registry.registerMetric(reviews),
  }
}
