import { logStreamName } from "#mesh/cloudwatch/log-names.ts"
import { metricSets } from "#mesh/cloudwatch/metric-sets.ts"
import { metricCap } from "#mesh/cost/prices.ts"
import { priceTable } from "#mesh/cost/prices-schema.ts"
import { makeAwsClientHolder } from "../publish/aws/client-holder.ts"
import { cloudWatchClient } from "../publish/aws/sdk-clients.ts"
import { makeEmfProducer } from "../publish/cloudwatch-emf/emf-producer.ts"
import { makeLogLineProducer } from "../publish/cloudwatch-logs/line-producer.ts"
import { makeCloudWatchLogsSink } from "../publish/cloudwatch-logs/sink.ts"
import {
  makeCloudWatchOtlpExport,
  makeCloudWatchOtlpSink,
} from "../publish/cloudwatch-otlp/cloudwatch-otlp.ts"
import { openDurable } from "./durable.ts"
import { observeLeftOut } from "./left-out.ts"
import type { Configured, Output, OutputDeps } from "./output.ts"
import { agentResource } from "./resource.ts"

/** Access lines to CloudWatch Logs. */
export function cloudwatchLogs(config: Configured<"cloudwatchLogs">, deps: OutputDeps): Output {
  const { create, retentionDays, class: groupClass } = config
  const durable = openDurable(
    {
      name: "cloudwatchLogs",
      what: "Access lines",
      target: `CloudWatch Logs, ${config.group}`,
      sink: () =>
        makeCloudWatchLogsSink({
          create,
          retentionDays: retentionDays === "never" ? undefined : retentionDays,
          class: groupClass,
          stream: logStreamName(config.stream, { agent: deps.agentId }),
        }),
    },
    deps,
  )
  const { clock, cluster } = deps
  const lines = makeLogLineProducer(
    { ...config, cluster },
    { outbox: durable.outbox, now: () => clock.now() },
  )
  observeLeftOut(durable.name, () => lines.leftOut, deps)
  return { ...durable, lines }
}

/** Few metrics as classic ones of CloudWatch. Groups of documents must be of class STANDARD. */
export function cloudwatchMetrics(config: Configured<"cloudwatchMetrics">, deps: OutputDeps): Output {
  const { snapshot, clock, ledger, telemetry } = deps
  const durable = openDurable(
    {
      name: "cloudwatchMetrics",
      what: "Metric documents",
      target: `CloudWatch, ${config.logGroup}`,
      sink: () =>
        makeCloudWatchLogsSink({
          create: true,
          retentionDays: DOCUMENT_DAYS,
          class: "STANDARD",
          stream: logStreamName("{agent}", { agent: deps.agentId }),
        }),
    },
    deps,
  )
  const producer = makeEmfProducer(
    {
      namespace: config.namespace,
      sets: metricSets(config.names, config.sets),
      logGroup: config.logGroup,
      zeros: config.zeros,
      maxMetrics: metricCap(config.maxMetrics, config.maxDollarsMonth, priceTable(config.prices)),
      capPeriod: config.capPeriod,
    },
    { snapshot, clock, outbox: durable.outbox, restored: (key) => ledger.restored(key) },
  )
  for (const participant of producer.participants) ledger.join(participant)
  telemetry.observe("cloudwatchMetrics", (tell) => {
    const { places, month } = producer.counters
    tell(places, { period: "now" })
    tell(month, { period: "month" })
  })
  telemetry.observe("cloudwatchLimit", (tell) => tell(producer.counters.limit, {}))
  telemetry.observe("cloudwatchFolded", (tell) => {
    for (const [set, groups] of producer.counters.folded) tell(groups, { set })
  })
  telemetry.observe("dropped", (tell) => {
    for (const [rule, count] of producer.counters.refused)
      tell(count, { stage: "publish", reason: `emf_${rule}` })
  })
  return { ...durable, tick: { everyMs: config.interval, run: () => producer.tick() } }
}

/** The documents have done their work when CloudWatch has read them; they are kept for a look back. */
const DOCUMENT_DAYS = 30

/** The whole catalogue by OTLP. Points are cumulative, so they go in order. */
export function cloudwatchOtlp(config: Configured<"cloudwatchOtlp">, deps: OutputDeps): Output {
  const { clock, snapshot } = deps
  const sdk = makeAwsClientHolder(cloudWatchClient)
  const durable = openDurable(
    {
      name: "cloudwatchOtlp",
      what: "Metrics",
      target: "CloudWatch by OTLP",
      sink: () => makeCloudWatchOtlpSink({ clock, sdk }),
      delivery: { timeoutMs: config.timeout, ordered: true },
    },
    deps,
  )
  const exported = makeCloudWatchOtlpExport(
    { ...agentResource(deps), fullEveryMs: config.fullEvery },
    { snapshot, clock, outbox: durable.outbox },
  )
  return { ...durable, tick: { everyMs: config.interval, run: () => exported.tick() } }
}
