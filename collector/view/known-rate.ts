import type { RangeAnswer } from "../store/series-store.ts"
import type { Reading } from "./reading.ts"

/** Turns the count of one step into a rate per second; null for a step of which nothing is known. */
export type KnownRate = (count: number, step: number) => number | null

/** A step in which anything began to be known is divided by its known part, in whole steps of the store. */
export function knownRates(
  { fromMs, stepMs }: Pick<RangeAnswer, "fromMs" | "stepMs">,
  { knownFromMs, nodes }: Pick<Reading, "knownFromMs" | "nodes">,
): KnownRate {
  const knownMs = Math.floor(knownFromMs / nodes.stepMs) * nodes.stepMs
  return (count, step) => {
    const endMs = fromMs + (step + 1) * stepMs
    if (endMs <= knownMs) return count > 0 ? count / (stepMs / 1000) : null
    return count / (Math.min(stepMs, endMs - knownMs) / 1000)
  }
}
