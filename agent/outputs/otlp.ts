import { DEFAULT_DELIVERY, Delivery } from "../publish/delivery/delivery.ts"
import { makeMemoryQueue } from "../publish/delivery/memory-queue.ts"
import { makeOtlpHttpSink } from "../publish/otlp/http-sink.ts"
import { type MetricsRequest, makeMetricsExport } from "../publish/otlp/metrics-export.ts"
import type { Configured, Output, OutputDeps } from "./output.ts"
import { agentResource } from "./resource.ts"
import { pushSecrets } from "./secrets.ts"
import { makeOutputTrouble } from "./trouble.ts"

/** Requests that may wait in memory; each holds up to some thousand points. */
const MAX_REQUESTS = 256

/**
 * The newest values to a collector, ours or any. They wait in memory: each says all that an older one said, so what is
 * lost with the process is sent again by the next.
 */
export function otlp(config: Configured<"otlp">, deps: OutputDeps): Output {
  const { clock, log, snapshot } = deps
  const url = `${config.endpoint}/v1/metrics`
  const queue = makeMemoryQueue<MetricsRequest>(
    { maxBytes: config.queueBytes, maxRecords: MAX_REQUESTS },
    (request, reason) => {
      // What was pushed out is sent again with its newest values; what was refused or came too late is not.
      if (reason === "overflow") metrics.resend(request)
    },
  )
  // Points are cumulative: an older one must not arrive after a newer one.
  const delivery = new Delivery(
    { ...DEFAULT_DELIVERY, timeoutMs: config.timeout, ordered: true },
    {
      queue,
      sink: makeOtlpHttpSink({ url, ...pushSecrets(config, deps) }, { clock }),
      clock,
      random: Math.random,
    },
  )
  const metrics = makeMetricsExport(agentResource(deps), {
    snapshot,
    clock,
    offer: (request) => queue.offer(request),
  })
  const counters = () => delivery.counters
  const tell = makeOutputTrouble({ log, sink: "otlp", target: url, what: "Metrics", counters })
  return {
    name: "otlp",
    limitBytes: config.queueBytes,
    counters,
    tell,
    tick: { everyMs: config.interval, run: () => metrics.tick() },
    start: () => delivery.start(),
    committed: () => undefined,
    async stop(deadlineMs) {
      await delivery.stop(deadlineMs)
      tell()
    },
  }
}
