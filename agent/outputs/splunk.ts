import { randomUUID } from "node:crypto"
import type { EventConsumer, Outbox } from "../publish/contract.ts"
import type { LineProducer } from "../publish/lines/line-producer.ts"
import { makeHecEventProducer } from "../publish/splunk/event-producer.ts"
import { makeHecSink } from "../publish/splunk/hec-sink.ts"
import { makeHecLineProducer } from "../publish/splunk/line-producer.ts"
import { makeMetricEvents } from "../publish/splunk/metric-events.ts"
import { openDurable } from "./durable.ts"
import { observeLeftOut } from "./left-out.ts"
import type { Configured, Output, OutputDeps } from "./output.ts"
import { pushSecrets } from "./secrets.ts"

type SplunkConfig = Configured<"splunk">

/** Requests at once: while one waits for its acknowledgement, others go on. */
const CONCURRENCY = 4
const ACK_INTERVAL_MS = 2000

/** Access lines, events of proxies and metrics to Splunk's HTTP Event Collector. */
export function splunk(config: SplunkConfig, deps: OutputDeps): Output {
  const { clock, snapshot, agentId } = deps
  const durable = openDurable(
    {
      name: "splunk",
      what: "Events",
      target: config.endpoint,
      sink: () => hecSink(config, deps),
      delivery: {
        timeoutMs: config.timeout + config.ackTimeout + ACK_INTERVAL_MS,
        concurrency: CONCURRENCY,
      },
    },
    deps,
  )
  const lines = lineProducer(config, durable.outbox, deps)
  if (lines !== undefined) observeLeftOut(durable.name, () => lines.leftOut, deps)
  const output: Output = {
    ...durable,
    ...(lines === undefined ? {} : { lines }),
    ...(config.events === false
      ? {}
      : { events: eventProducer(config, config.events, durable.outbox, deps) }),
  }
  if (config.metrics === undefined) return output
  const { interval, fullEvery } = config.metrics
  const metrics = makeMetricEvents(
    { place: placeOf(config, config.metrics, deps), dimensions: { agent: agentId }, fullEveryMs: fullEvery },
    { snapshot, clock, outbox: durable.outbox },
  )
  return { ...output, tick: { everyMs: interval, run: () => metrics.tick() } }
}

function hecSink(config: SplunkConfig, deps: OutputDeps) {
  const token = { authorization: { ...config.token, prefix: "Splunk " } }
  return makeHecSink(
    {
      endpoint: config.endpoint,
      ...pushSecrets({ headers: token, tls: config.tls }, deps),
      channel: randomUUID(),
      maxBytes: config.maxRequestBytes,
      timeoutMs: config.timeout,
      ackTimeoutMs: config.ackTimeout,
      ackIntervalMs: ACK_INTERVAL_MS,
      connections: CONCURRENCY,
    },
    deps,
  )
}

function lineProducer(config: SplunkConfig, outbox: Outbox, deps: OutputDeps): LineProducer | undefined {
  const { lines } = config
  if (lines === false) return undefined
  const { clock, cluster } = deps
  return makeHecLineProducer(
    { ...lines, cluster, place: placeOf(config, lines, deps) },
    { outbox, now: () => clock.now() },
  )
}

function eventProducer(
  config: SplunkConfig,
  events: Exclude<SplunkConfig["events"], false>,
  outbox: Outbox,
  deps: OutputDeps,
): EventConsumer {
  return makeHecEventProducer({ place: placeOf(config, events, deps), cluster: deps.cluster }, { outbox })
}

function placeOf(
  { host, source }: SplunkConfig,
  { sourcetype, index }: { readonly sourcetype: string; readonly index: string },
  { hostName }: OutputDeps,
) {
  return { host: host || hostName, source, sourcetype, index }
}
