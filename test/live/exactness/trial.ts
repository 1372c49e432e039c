import { setTimeout as sleep } from "node:timers/promises"
import { type Planned, planRequests } from "../../../demo/plan.ts"
import type { Truth } from "../../../demo/truth.ts"
import type { METRICS } from "../../../mesh/catalogue.ts"
import { type Counts, keyText, type Labels } from "../rig/counts.ts"
import { durations, exposed, observed } from "../rig/exposed.ts"
import { type Stand, type StandOptions, startStand } from "../rig/stand.ts"

/** Requests of the plan. */
export const REQUESTS = Number(process.env["EXACT_REQUESTS"] ?? 20_000)
const SEED = 7
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
  /** Durations with these labels, in buckets. */
  readonly durations: (labels: Labels) => readonly number[]
}

/**
 * What the agent tells unaccounted, zeros too, once any gap would be told: after it has lasted for a minute, and lines may
 * come 12 s late (docs/metrics.md). The agent's clock goes ahead, looks go on as they do.
 */
export async function gapsInTheEnd({ stand }: Trial): Promise<readonly string[]> {
  await stand.agent.pipeline.settled()
  for (let look = 0; look < 8; look++) {
    await sleep(1500)
    stand.pass(12_000)
  }
  stand.agent.pipeline.commit()
  const { families, values } = stand.agent.pipeline.ledger.snapshot
  const names = ["virtual_node", "virtual_gateway", "reporter"]
  return (families.find(({ key }) => key === "unaccounted")?.series ?? [])
    .map(({ labels, slot }) => `${keyText(Object.fromEntries(labels), names)}: ${values[slot]}`)
    .toSorted()
}

/** Every proxy that speaks HTTP is watched, and lacks nothing. */
export const NO_GAPS: readonly string[] = [
  "virtual_gateway=yelb-gateway_yelb reporter=gateway: 0",
  "virtual_gateway=yelb-gateway_yelb reporter=source: 0",
  "virtual_node=yelb-appserver-virtual-node reporter=destination: 0",
  "virtual_node=yelb-appserver-virtual-node-v2 reporter=destination: 0",
  "virtual_node=yelb-ui-virtual-node reporter=destination: 0",
  "virtual_node=yelb-ui-virtual-node reporter=source: 0",
]

/** The requests that were sent, anew from the seed. */
export function planOf({ stand, truth }: Trial): readonly Planned[] {
  const { fleet } = stand.stage
  const plan = planRequests({ mesh: fleet.mesh(), placement: fleet.placement, seed: SEED, mix: "all" })
  return Array.from({ length: truth.sent }, () => plan.next().value)
}

/** Runs the plan to its end. Fails where the truth itself is not whole. */
export async function runTrial(options: Omit<StandOptions, "seed">, requests = REQUESTS): Promise<Trial> {
  const stand = await startStand({ ...options, seed: SEED })
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
      durations: (labels) => durations(snapshot, labels),
    }
  } catch (error) {
    await stand.stop()
    throw error
  }
}
