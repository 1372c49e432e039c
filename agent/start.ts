import type { Clock } from "#mesh/clock.ts"
import type { Environment } from "#mesh/interpolation.ts"
import { stateFailed } from "#mesh/system-reason.ts"
import type { AgentConfig } from "./config/parse.ts"
import { serveMetrics } from "./metrics-server.ts"
import { readModel } from "./model.ts"
import { startOtlpOutput } from "./otlp-output.ts"
import { Pipeline, type PipelineDeps } from "./pipeline.ts"
import { makeMetricsHandler } from "./publish/prometheus/handler.ts"
import { discoveryOf } from "./registry.ts"
import { observeOutput, observePipeline, scrapeCounts } from "./self-metrics.ts"
import type { Log } from "./telemetry/log.ts"
import { makeTelemetry } from "./telemetry/telemetry.ts"

export interface AgentDeps {
  readonly clock: Clock
  readonly log: Log
  /** What `${NAME}` in targets files refers to. */
  readonly env: Environment
  readonly version: string
  readonly nodeVersion: string
}

export interface Agent {
  /** Undefined when no page for Prometheus is served. */
  readonly metricsUrl: string | undefined
  readonly pipeline: Pipeline
  /** Reads what is there, commits, hands over, closes. */
  stop(): Promise<void>
}

/** How long a stopping agent waits for its receivers. */
const DRAIN_MS = 5000

/**
 * Starts the agent of one node: state, then what reads, then what publishes.
 * @throws MeshscopeError FILE_UNREADABLE, MODEL_INVALID, STATE_*, LISTEN_FAILED
 */
export async function startAgent(config: AgentConfig, deps: AgentDeps): Promise<Agent> {
  const { clock, log } = deps
  const model = await readModel(config.model.files)
  for (const note of model.notes) log.warn(note, { code: "MODEL_INVALID" })
  const telemetry = makeTelemetry({
    version: deps.version,
    nodeVersion: deps.nodeVersion,
    processMetrics: true,
  })
  const pipeline = opened(config, {
    clock,
    log,
    model,
    scraped: scrapeCounts(telemetry),
    committed: () => undefined,
  })
  observePipeline(telemetry, pipeline, config.limits)
  const ending = new AbortController()
  const { prometheus } = config.publish
  try {
    const handler = makeMetricsHandler({
      snapshot: pipeline.ledger.snapshot,
      own: { metrics: () => telemetry.text("prometheus") },
    })
    const server = prometheus.enabled
      ? await serveMetrics(prometheus, handler, () => pipeline.ledger.frozen)
      : undefined
    const output =
      config.publish.otlp === undefined
        ? undefined
        : await startOtlpOutput(config.publish.otlp, {
            clock,
            log,
            env: deps.env,
            snapshot: pipeline.ledger.snapshot,
            agentId: config.agent.id,
            version: deps.version,
          })
    const discovery = discoveryOf(config, { clock, env: deps.env, log, telemetry })
    const found = discovery.run((targets) => {
      pipeline.take(targets)
    }, ending.signal)
    pipeline.start()
    if (output !== undefined)
      observeOutput(telemetry, "otlp", clock, () => output.counters, config.publish.otlp?.queueBytes ?? 0)
    return {
      metricsUrl: server?.url,
      pipeline,
      async stop() {
        ending.abort()
        await found
        await pipeline.drain()
        await output?.stop(DRAIN_MS)
        pipeline.close()
        await server?.close()
        await telemetry.close()
      },
    }
  } catch (error) {
    ending.abort()
    await pipeline.drain()
    pipeline.close()
    throw error
  }
}

function opened(config: AgentConfig, deps: PipelineDeps): Pipeline {
  try {
    return new Pipeline(config, deps)
  } catch (error) {
    throw stateFailed("agent.state", error)
  }
}
