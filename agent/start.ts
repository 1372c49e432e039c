import { hostname } from "node:os"
import type { Clock } from "#mesh/clock.ts"
import type { ParsedModel } from "#mesh/declare/parsed.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { Environment } from "#mesh/interpolation.ts"
import { stateFailed } from "#mesh/system-reason.ts"
import type { AgentConfig } from "./config/parse.ts"
import { startReceiving } from "./intakes/intakes.ts"
import { serveMetrics } from "./metrics-server.ts"
import { openModel } from "./model-sources.ts"
import { tellCost } from "./outputs/cost.ts"
import { Outputs } from "./outputs/outputs.ts"
import { Pipeline, type PipelineDeps } from "./pipeline.ts"
import { makeMetricsHandler } from "./publish/prometheus/handler.ts"
import { makeQueueBudget } from "./publish/queue/queue-budget.ts"
import { discoveryOf } from "./registry.ts"
import { observePipeline, scrapeCounts } from "./self-metrics.ts"
import { Spans } from "./spans/spans.ts"
import type { Log } from "./telemetry/log.ts"
import { makeTelemetry, type Telemetry } from "./telemetry/telemetry.ts"

export interface AgentDeps {
  readonly clock: Clock
  readonly log: Log
  /** What `${NAME}` in targets files refers to. */
  readonly env: Environment
  readonly version: string
  readonly nodeVersion: string
  /** Ends the wait for a state folder that another agent still uses. */
  readonly signal?: AbortSignal
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
  const telemetry = makeTelemetry({
    version: deps.version,
    nodeVersion: deps.nodeVersion,
    processMetrics: true,
  })
  const { first: model, source } = await openModel(config, { clock, env: deps.env, log, telemetry })
  const noted = noteTeller(log)
  noted(model)
  const pipeline = await opened(config, { clock, log, model, scraped: scrapeCounts(telemetry) }, deps.signal)
  observePipeline(telemetry, pipeline, config.limits)
  const undo: (() => Promise<unknown>)[] = [async () => pipeline.close(), () => pipeline.drain()]
  const ending = new AbortController()
  try {
    const outputs = await outputsOf(config, pipeline, telemetry, deps)
    const spans = new Spans(config.spans, {
      telemetry,
      declared: model.model,
      interner: pipeline.interner,
      consumers: outputs.spans,
    })
    join(pipeline, outputs, spans)
    const server = await servePage(config, pipeline, telemetry)
    if (server !== undefined) undo.push(() => server.close())
    undo.push(() => outputs.stop(0))
    await outputs.start()
    const stopReceiving = await startReceiving(config, {
      clock,
      log,
      env: deps.env,
      telemetry,
      spans,
      pipeline,
    })
    undo.push(stopReceiving)
    const declared = source.run((changed) => {
      noted(changed)
      pipeline.declare(changed)
    }, ending.signal)
    const discovery = await discoveryOf(config, { clock, env: deps.env, log, telemetry })
    const found = discovery.run((targets) => {
      pipeline.take(targets)
    }, ending.signal)
    pipeline.start()
    void tellCost(config, { clock, log, pipeline, spans }, ending.signal)
    return {
      metricsUrl: server?.url,
      pipeline,
      async stop() {
        ending.abort()
        await found
        await declared
        await stopReceiving()
        await pipeline.drain()
        await outputs.lastTick()
        pipeline.commit()
        await outputs.stop(DRAIN_MS)
        pipeline.close()
        await server?.close()
        await telemetry.close()
      },
    }
  } catch (error) {
    ending.abort()
    for (const step of undo.toReversed()) await step()
    throw error
  }
}

/** Each note of the declared model is told once, also where it comes with every change. */
function noteTeller(log: Log): (model: ParsedModel) => void {
  let told: ReadonlySet<string> = new Set()
  return ({ notes }) => {
    for (const note of notes) if (!told.has(note)) log.warn(note, { code: "MODEL_INVALID" })
    told = new Set(notes)
  }
}

/** Whoever is told of lines, spans and events, and of commits. */
function join(pipeline: Pipeline, outputs: Outputs, spans: Spans): void {
  pipeline.follower = spans
  pipeline.committed = () => outputs.committed()
  pipeline.happened = (event) => {
    for (const consumer of outputs.events) consumer.event(event)
  }
  for (const consumer of [...outputs.lines, ...(spans.lines === undefined ? [] : [spans.lines])])
    pipeline.lines.tell(consumer)
}

async function servePage(
  { publish: { prometheus } }: AgentConfig,
  { ledger }: Pipeline,
  telemetry: Telemetry,
) {
  if (!prometheus.enabled) return undefined
  const handler = makeMetricsHandler({
    snapshot: ledger.snapshot,
    own: { metrics: () => telemetry.text("prometheus") },
  })
  return serveMetrics(prometheus, handler, () => ledger.frozen)
}

/** An agent that was replaced by force may take as long to end; the kernel frees its folder with its last breath. */
const LOCKED_MS = 60_000
const LOCK_LOOK_MS = 500

/** @throws MeshscopeError STATE_LOCKED when another agent goes on using the folder, STATE_FUTURE, STATE_UNWRITABLE */
async function opened(config: AgentConfig, deps: PipelineDeps, signal?: AbortSignal): Promise<Pipeline> {
  const { clock, log } = deps
  const until = clock.monotonic() + LOCKED_MS
  let told = false
  for (;;) {
    try {
      return new Pipeline(config, deps)
    } catch (error) {
      const locked = error instanceof MeshscopeError && error.code === "STATE_LOCKED"
      if (!locked || clock.monotonic() > until || signal?.aborted === true)
        throw stateFailed("agent.state", error)
      if (!told)
        log.warn("Another agent uses the state folder; waiting for its end.", {
          code: "STATE_LOCKED",
          folder: config.agent.state,
        })
      told = true
      await clock.sleep(LOCK_LOOK_MS, signal)
    }
  }
}

function outputsOf(
  { agent, publish }: AgentConfig,
  pipeline: Pipeline,
  telemetry: Telemetry,
  { clock, log, env, version }: AgentDeps,
): Promise<Outputs> {
  const { ledger } = pipeline
  return Outputs.open(publish, {
    clock,
    log,
    env,
    telemetry,
    snapshot: ledger.snapshot,
    ledger,
    queues: {
      folder: `${agent.state}/queue`,
      budget: makeQueueBudget({ maxBytes: publish.queue.bytes, policy: publish.queue.drop }),
      crowded: () => pipeline.commitSoon(),
    },
    agentId: agent.id,
    cluster: agent.cluster,
    version,
    hostName: hostname(),
  })
}
