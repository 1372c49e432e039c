import type { Clock } from "#mesh/clock.ts"
import { costSentence, estimate } from "#mesh/cost/estimate.ts"
import { type FlowOptions, flowOf } from "#mesh/cost/flow.ts"
import type { PriceTable } from "#mesh/cost/prices.ts"
import { ledgerSamples, type Sample, type Samples } from "#mesh/cost/samples.ts"
import type { Snapshot } from "#mesh/snapshot.ts"

export interface CostLineConfig {
  readonly flow: FlowOptions
  readonly prices: PriceTable
  /** How long is looked at what flows before anything is said. */
  readonly afterMs: number
}

export interface CostLineDeps {
  readonly snapshot: Snapshot
  readonly clock: Clock
  /** The agent's own counters of lines and spans, as they are now, under the names of `AGENT_METRICS`. */
  readonly own: () => Readonly<Record<"logBytes" | "linesRead" | "linesAccounted" | "spans", number>>
  readonly say: (sentence: string) => void
}

/** Looks for a while after the start, then says once what a month of it costs, each way; nothing when it is stopped before. */
export async function sayCost(
  config: CostLineConfig,
  deps: CostLineDeps,
  signal: AbortSignal,
): Promise<void> {
  const { clock, say } = deps
  const before = samplesNow(deps)
  const beganMs = clock.monotonic()
  await clock.sleep(config.afterMs, signal)
  if (signal.aborted) return
  const seconds = (clock.monotonic() - beganMs) / 1000
  const flow = flowOf(before, samplesNow(deps), seconds, config.flow)
  say(costSentence(estimate(flow, config.prices)))
}

function samplesNow({ snapshot, own }: CostLineDeps): Samples {
  const { logBytes, linesRead, linesAccounted, spans } = own()
  return new Map([
    ...ledgerSamples(snapshot),
    sample("mesh_agent_log_bytes_total", logBytes),
    sample("mesh_agent_lines_read_total", linesRead),
    sample("mesh_agent_lines_accounted_total", linesAccounted),
    sample("mesh_agent_spans_total", spans),
  ])
}

const sample = (name: string, value: number): [string, Sample] => [name, { name, labels: new Map(), value }]
