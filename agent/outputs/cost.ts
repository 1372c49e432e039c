import type { Clock } from "#mesh/clock.ts"
import { metricSets } from "#mesh/cloudwatch/metric-sets.ts"
import { metricCap } from "#mesh/cost/prices.ts"
import { priceTable } from "#mesh/cost/prices-schema.ts"
import type { AgentConfig } from "../config/parse.ts"
import type { Pipeline } from "../pipeline.ts"
import { sayCost } from "../publish/cost/cost-line.ts"
import type { Log } from "../telemetry/log.ts"

export interface CostDeps {
  readonly clock: Clock
  readonly log: Log
  readonly pipeline: Pipeline
  /** How many were passed on so far. */
  readonly spans: { readonly passed: number }
}

/** How long an agent looks at what flows before it says what that costs. */
const LOOK_MS = 60_000

/** Where something goes to CloudWatch or X-Ray: says once, a minute after the start, what a month of it would cost. */
export async function tellCost(
  { publish }: AgentConfig,
  { clock, log, pipeline, spans }: CostDeps,
  signal: AbortSignal,
): Promise<void> {
  const { cloudwatchMetrics: own, cloudwatchLogs, cloudwatchOtlp, xray } = publish
  if ([own, cloudwatchLogs, cloudwatchOtlp, xray].every((output) => output === undefined)) return
  const prices = priceTable(own?.prices)
  const flow = {
    sets: metricSets(own?.names ?? "meshscope", own?.sets),
    cap: own === undefined ? undefined : metricCap(own.maxMetrics, own.maxDollarsMonth, prices),
    classicIntervalMs: own?.interval ?? 60_000,
    otlpIntervalMs: cloudwatchOtlp?.interval ?? 60_000,
    otlpFullMs: cloudwatchOtlp?.fullEvery ?? 240_000,
    sampling: undefined,
  }
  await sayCost(
    { flow, prices, afterMs: LOOK_MS },
    {
      snapshot: pipeline.ledger.snapshot,
      clock,
      own: () => ownCounts(pipeline, spans),
      say: (sentence) => log.info(sentence),
    },
    signal,
  )
}

function ownCounts({ tail, lines, tallies }: Pipeline, spans: CostDeps["spans"]) {
  let accounted = 0
  for (const { gateway, source, destination, tcpConnections } of tallies)
    accounted += gateway + source + destination + tcpConnections
  const { access, proxy, other, outlier, intermediate } = lines.counters
  return {
    logBytes: tail.counters.bytes,
    linesRead: access + proxy + other + outlier + intermediate,
    linesAccounted: accounted,
    spans: spans.passed,
  }
}
