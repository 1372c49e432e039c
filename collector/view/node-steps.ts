import { HEALTH_RULES } from "#mesh/health.ts"
import type { RangeGroup } from "../store/series-store.ts"
import { hasSilentAgent, type Reading } from "./reading.ts"
import { type Spell, spellOf } from "./spell.ts"

/** Requests of one node over the window, in the store's own steps. */
export interface NodeSteps {
  readonly judged: Float64Array
  readonly errors: Float64Array
  /** When any of them was last told of, ms. */
  lastMs: number
}

export function noSteps({ nodes }: Reading): NodeSteps {
  return { judged: new Float64Array(nodes.steps), errors: new Float64Array(nodes.steps), lastMs: 0 }
}

/** Adds a group of one outcome. */
export function addSteps(into: NodeSteps, outcome: string, { values, lastMs }: RangeGroup): void {
  if (outcome === "aborted") return
  into.lastMs = Math.max(into.lastMs, lastMs)
  for (let step = 0; step < values.length; step++) {
    const value = values[step] ?? 0
    into.judged[step] = (into.judged[step] ?? 0) + value
    if (outcome === "error") into.errors[step] = (into.errors[step] ?? 0) + value
  }
}

/** The newest time of errors at the node, as far as the window goes. */
export function spellAt({ judged, errors, lastMs }: NodeSteps, reading: Reading): Spell | undefined {
  const { fromMs, stepMs } = reading.nodes
  // Of what a silent agent told of, nothing is known since.
  const untilMs = hasSilentAgent(reading) ? Math.min(reading.endMs, lastMs) : reading.endMs
  const steps = { fromMs, stepMs, judged, errors, untilMs, windowFromMs: fromMs }
  return spellOf(steps, HEALTH_RULES.degradedErrorRatio)
}

/** End of the last step with an error, ms; undefined where that is the newest step. */
export function quietEnd({ errors }: NodeSteps, { nodes }: Reading): number | undefined {
  const last = errors.findLastIndex((count) => count > 0) + 1
  return last === errors.length ? undefined : nodes.fromMs + last * nodes.stepMs
}
