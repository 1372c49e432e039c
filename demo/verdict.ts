import { setTimeout as sleep } from "node:timers/promises"
import { type Counted, type Difference, differences, truthByLabels, truthByRoutes } from "./compare.ts"
import type { Product } from "./product.ts"
import { asTold } from "./sight.ts"
import type { Stage } from "./stage.ts"
import type { Truth } from "./truth.ts"

/** What the product counted against what really happened. */
export interface Verdict {
  readonly agree: boolean
  readonly truth: Truth
  /** The collector's summary as it came. */
  readonly summary: unknown
  /** By the labels of `mesh_requests_total`, at the agent. */
  readonly agentDiffers: readonly Difference[]
  /** By route and outcome, at the collector. */
  readonly collectorDiffers: readonly Difference[]
}

/** Lines are flushed, followed, committed, sent and grouped; then nothing may be missing. */
const SETTLE_MS = 30_000
/** What has differed in the same way for so long goes on to do so: everything that is on its way comes sooner. */
const UNCHANGED_MS = 12_000

/** Waits until both agree with the truth, and says what differs if they do not in time. */
export async function verdict(stage: Stage, product: Product): Promise<Verdict> {
  const truth = await stage.truth()
  const rows = asTold(stage.fleet.mesh(), truth.requests)
  const [byLabels, byRoutes] = [truthByLabels(rows), truthByRoutes(rows)]
  const until = performance.now() + SETTLE_MS
  let last = ""
  let changed = performance.now()
  for (;;) {
    const agentDiffers = against(byLabels, await product.agentRequests())
    const collectorDiffers = against(byRoutes, await product.collectorRequests())
    const agree = agentDiffers.length + collectorDiffers.length + truth.undecided.length === 0
    const now = JSON.stringify([agentDiffers, collectorDiffers])
    if (now !== last) changed = performance.now()
    last = now
    if (agree || performance.now() > Math.min(until, changed + UNCHANGED_MS)) {
      return { agree, truth, summary: await product.summary(), agentDiffers, collectorDiffers }
    }
    await sleep(500)
  }
}

/** A series that never counted anything says nothing. */
const against = (truth: readonly Counted[], told: readonly Counted[]): readonly Difference[] =>
  differences(
    truth,
    told.filter(({ count }) => count !== 0),
  )
