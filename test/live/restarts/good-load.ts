import { SCENARIOS } from "../../../demo/scenarios.ts"
import type { Stage } from "../../../demo/stage.ts"

/** Kinds of requests that end well, and together come by every target of the plan's cut and left answers. */
const GOOD = new Set(["page", "vote", "api", "canary", "grpc"])
/** Beside these the others of the plan do not come up. */
const ALONE = { all: 1e9, everyday: 1e9 }

/**
 * Sends requests that all end well. Stats may tell that an answer ended badly only after it was counted as a good one;
 * counters cannot fall, so the next good answer of its target is not counted. After these nothing is owed any more. The
 * plan stays so until the condition has no `extra` again.
 */
export async function runGood(stage: Stage, requests: number): Promise<void> {
  const good = SCENARIOS.filter(({ name }) => GOOD.has(name))
  await stage.change({ extra: good.map((one) => Object.assign({}, one, { weights: ALONE })) })
  await stage.run(requests)
}
