import { readFile } from "node:fs/promises"
import { hostname } from "node:os"
import type { Clock } from "#mesh/clock.ts"
import type { Environment } from "#mesh/interpolation.ts"
import type { Snapshot } from "#mesh/snapshot.ts"
import { filledHeaders } from "./config/headers.ts"
import type { AgentConfig } from "./config/parse.ts"
import {
  DEFAULT_DELIVERY,
  Delivery,
  type DeliveryCounters,
  type DropReason,
} from "./publish/delivery/delivery.ts"
import { makeOtlpHttpSink } from "./publish/otlp/http-sink.ts"
import { type MetricsBatch, makeMetricsExport } from "./publish/otlp/metrics-export.ts"
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

const DROPPED: Readonly<Record<DropReason, string>> = {
  overflow: "Metrics wait for too long; their newest values are sent once the receiver answers.",
  rejected: "The receiver refused metrics for good.",
  shutdown: "Metrics were not sent before the end; the next start sends their newest values.",
}

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
  const sink = makeOtlpHttpSink({ url, headers }, { clock })
  const delivery = new Delivery<MetricsBatch>(
    { ...DEFAULT_DELIVERY, maxBytes: config.queueBytes, timeoutMs: config.timeout },
    {
      sink,
      clock,
      random: Math.random,
      dropped: (batch, reason) => {
        // What was pushed out is sent again with its newest values; what was refused or came too late is not.
        if (reason === "overflow") metrics.resend(batch)
        log.warn(DROPPED[reason], {
          code: reason === "rejected" ? "EXPORT_REJECTED" : "EXPORT_UNAVAILABLE",
          target: url,
          reason,
          records: batch.records,
          why: delivery.counters.trouble ?? "",
        })
      },
    },
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
    { snapshot, clock, offer: (batch) => delivery.offer(batch) },
  )
  await delivery.start()
  let trouble: string | undefined
  const timer = setInterval(() => {
    void metrics.tick()
    const now = delivery.counters.trouble
    if (now !== undefined && trouble === undefined)
      log.warn("The collector does not take metrics now; they are kept and sent again.", {
        code: "EXPORT_UNAVAILABLE",
        target: url,
        why: now,
      })
    if (now === undefined && trouble !== undefined)
      log.info("The collector takes metrics again.", { target: url })
    trouble = now
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
    },
  }
}
