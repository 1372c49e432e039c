import type { Truth } from "../../../demo/truth.ts"
import type { METRICS } from "../../../mesh/catalogue.ts"
import type { Counts } from "../rig/counts.ts"
import { exposed, observed } from "../rig/exposed.ts"
import { type Stand, type StandOptions, startStand } from "../rig/stand.ts"

/** Requests of the plan. */
export const REQUESTS = Number(process.env["EXACT_REQUESTS"] ?? 20_000)
/** Time for the last lines and stats to be read and committed. */
export const SOON = { timeout: 20_000, interval: 500 }

type ToldBy = (metric: keyof typeof METRICS, names: readonly string[]) => Counts

/** The plan, run on a stand: what happened, and what the agent tells of it. */
export interface Trial {
  readonly stand: Stand
  readonly truth: Truth
  /** Sums of a counter or gauge by the named labels, as they are now. */
  readonly told: ToldBy
  /** Observations of a histogram by the named labels, as they are now. */
  readonly observed: ToldBy
}

/** Runs the plan to its end. Fails where the truth itself is not whole. */
export async function runTrial(options: Omit<StandOptions, "seed">, requests = REQUESTS): Promise<Trial> {
  const stand = await startStand({ ...options, seed: 7 })
  try {
    await stand.stage.run(requests)
    const truth = await stand.stage.truth()
    if (truth.sent !== requests) throw new Error(`${truth.sent} requests of ${requests} were sent`)
    if (truth.undecided.length > 0) throw new Error(`undecided: ${JSON.stringify(truth.undecided)}`)
    const { snapshot } = stand.agent.pipeline.ledger
    return {
      stand,
      truth,
      told: (metric, names) => exposed(snapshot, metric, names),
      observed: (metric, names) => observed(snapshot, metric, names),
    }
  } catch (error) {
    await stand.stop()
    throw error
  }
}
