import { readFile } from "node:fs/promises"
import { hostname } from "node:os"
import type { Clock } from "#mesh/clock.ts"
import type { Environment } from "#mesh/interpolation.ts"
import type { Snapshot } from "#mesh/snapshot.ts"
import { filledHeaders } from "./config/headers.ts"
import type { AgentConfig } from "./config/parse.ts"
import { readTls } from "./config/tls.ts"
import { makeOutputTrouble } from "./output-trouble.ts"
import { DEFAULT_DELIVERY, Delivery, type DeliveryCounters } from "./publish/delivery/delivery.ts"
import { makeMemoryQueue } from "./publish/delivery/memory-queue.ts"
import { makeOtlpHttpSink } from "./publish/otlp/http-sink.ts"
import { type MetricsRequest, makeMetricsExport } from "./publish/otlp/metrics-export.ts"
import type { Log } from "./telemetry/log.ts"

export interface OtlpOutputDeps {
  readonly clock: Clock
  readonly log: Log
  readonly env: Environment
  readonly snapshot: Snapshot
  readonly agentId: string
  readonly version: string
}

export interface OtlpOutput {
  readonly counters: DeliveryCounters
  /** Sends what is new now. */
  tick(): Promise<void>
  /** Sends what is new and what waits, for at most so long. */
  stop(deadlineMs: number): Promise<void>
}

/** Requests that may wait in memory; each holds up to some thousand points. */
const MAX_REQUESTS = 256

/**
 * Sends what was committed to a collector, ours or any, every interval.
 * @throws MeshscopeError FILE_UNREADABLE, CONFIG_ENV_MISSING when a header's secret is not there
 */
export async function startOtlpOutput(
  config: NonNullable<AgentConfig["publish"]["otlp"]>,
  deps: OtlpOutputDeps,
): Promise<OtlpOutput> {
  const { clock, log, snapshot } = deps
  const secrets = { env: deps.env, readFile: (path: string) => readFile(path, "utf8") }
  const headers = () => filledHeaders(config.headers, secrets)
  await headers()
  const url = `${config.endpoint}/v1/metrics`
  const sink = makeOtlpHttpSink({ url, headers, tls: () => readTls(config.tls, secrets.readFile) }, { clock })
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
    { queue, sink, clock, random: Math.random },
  )
  const metrics = makeMetricsExport(
    {
      resource: {
        "service.name": "meshscope-agent",
        "service.instance.id": deps.agentId,
        "service.version": deps.version,
        "host.name": hostname(),
      },
      scope: { name: "meshscope-agent", version: deps.version },
    },
    { snapshot, clock, offer: (request) => queue.offer(request) },
  )
  await delivery.start()
  const tell = makeOutputTrouble({ log, target: url, what: "Metrics", counters: () => delivery.counters })
  const timer = setInterval(() => {
    void metrics.tick()
    tell()
  }, config.interval)
  return {
    get counters() {
      return delivery.counters
    },
    tick: () => metrics.tick(),
    async stop(deadlineMs) {
      clearInterval(timer)
      await metrics.tick()
      await delivery.stop(deadlineMs)
      tell()
    },
  }
}
