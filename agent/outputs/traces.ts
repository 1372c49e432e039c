import { logGroupName } from "#mesh/cloudwatch/log-names.ts"
import type { PublishConfig } from "../config/publish-schema.ts"
import { makeAwsClientHolder } from "../publish/aws/client-holder.ts"
import { xrayClient } from "../publish/aws/sdk-clients.ts"
import type { DeliveryCounters } from "../publish/delivery/delivery.ts"
import {
  makeCloudWatchTracesSink,
  makeOtlpTracesProducer,
  makeOtlpTracesSink,
} from "../publish/otlp-traces/traces-sink.ts"
import { makeXrayEncoder } from "../publish/xray/encoder.ts"
import { makeXraySink } from "../publish/xray/sink.ts"
import type { SegmentCounts } from "../publish/xray/telemetry.ts"
import { makeZipkinProducer, makeZipkinSink } from "../publish/zipkin/zipkin-sink.ts"
import { openDurable } from "./durable.ts"
import { observeLeftOut } from "./left-out.ts"
import type { Configured, Output, OutputDeps } from "./output.ts"
import { pushSecrets } from "./secrets.ts"
import { OWN_REASONS } from "./trouble.ts"

/** X-Ray's own client sends so many batches at once (aws-xray-daemon, cfg.yaml: Concurrency 8); half are enough here. */
const XRAY_CONCURRENCY = 4

/** @param logs the access lines' log group, which segments then refer to */
export function xray(
  config: Configured<"xray">,
  deps: OutputDeps,
  logs: PublishConfig["cloudwatchLogs"],
): Output {
  const { clock, hostName } = deps
  const durable = openDurable(
    {
      name: "xray",
      what: "Spans",
      target: "X-Ray",
      sink: (counters) =>
        makeXraySink(
          { telemetry: config.telemetry, hostName, resourceArn: config.resourceArn ?? "" },
          { clock, counts: () => segmentCounts(counters()) },
        ),
      delivery: { timeoutMs: config.timeout, concurrency: XRAY_CONCURRENCY },
    },
    deps,
  )
  const spans = makeXrayEncoder(
    { annotate: new Set(config.annotations), logGroup: (mesh) => groupOf(logs, mesh, deps) },
    durable.outbox,
  )
  observeLeftOut(durable.name, () => spans.counters().refused, deps)
  return { ...durable, spans }
}

/** Only where the group follows from the mesh alone. */
function groupOf(
  logs: PublishConfig["cloudwatchLogs"],
  mesh: string,
  { cluster }: OutputDeps,
): string | undefined {
  if (logs === undefined || /\{(?:flavor|role|resource)\}/.test(logs.group)) return undefined
  return logGroupName(logs.group, { mesh, cluster, flavor: "", role: "", resource: "" })
}

function segmentCounts({ offered, delivered, dropped }: DeliveryCounters): SegmentCounts {
  let spillover = 0
  let rejected = 0
  for (const [reason, count] of dropped) {
    if (OWN_REASONS.has(reason)) spillover += count
    else rejected += count
  }
  return { received: offered, sent: delivered, spillover, rejected }
}

export function zipkin(config: Configured<"zipkin">, deps: OutputDeps): Output {
  const url = `${config.endpoint}/api/v2/spans`
  const { clock } = deps
  const durable = openDurable(
    {
      name: "zipkin",
      what: "Spans",
      target: url,
      sink: () => makeZipkinSink({ url, ...pushSecrets(config, deps) }, { clock }),
      delivery: { timeoutMs: config.timeout },
    },
    deps,
  )
  return { ...durable, spans: makeZipkinProducer(durable.outbox) }
}

export function otlpTraces(config: Configured<"otlpTraces">, deps: OutputDeps): Output {
  const { clock } = deps
  const { endpoint } = config
  const url = endpoint === undefined ? undefined : `${endpoint}/v1/traces`
  const durable = openDurable(
    {
      name: "otlpTraces",
      what: "Spans",
      target: url ?? "CloudWatch by OTLP",
      sink: () =>
        url === undefined
          ? makeCloudWatchTracesSink({ clock, sdk: makeAwsClientHolder(xrayClient) })
          : makeOtlpTracesSink({ url, ...pushSecrets(config, deps) }, { clock }),
      delivery: { timeoutMs: config.timeout },
    },
    deps,
  )
  let unfinished = 0
  observeLeftOut(durable.name, () => ({ unfinished }), deps)
  return { ...durable, spans: makeOtlpTracesProducer(durable.outbox, () => void unfinished++) }
}
