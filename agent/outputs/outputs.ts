import type { PublishConfig } from "../config/publish-schema.ts"
import { EMF_PARTICIPANTS } from "../publish/cloudwatch-emf/participants.ts"
import type { EventConsumer, LineConsumer, SpanConsumer } from "../publish/contract.ts"
import { findUnusedQueues, unusedQueueNote } from "../publish/queue/unused-queues.ts"
import { observeOutput } from "../self-metrics.ts"
import type { Log } from "../telemetry/log.ts"
import { type Output, type OutputDeps, REMOTE_WRITE_STATE } from "./output.ts"

/** How often the log says what is wrong with an output. */
const TELL_MS = 5000

/** All ways out of the agent but the page for Prometheus. */
export class Outputs {
  readonly #outputs: readonly Output[]
  readonly #log: Log
  readonly #timers: NodeJS.Timeout[] = []

  private constructor(outputs: readonly Output[], config: PublishConfig, deps: OutputDeps) {
    this.#outputs = outputs
    this.#log = deps.log
    // What was told is forgotten while nothing is told: else, switched on again, all of the time between would be one step.
    if (config.cloudwatchMetrics === undefined) for (const key of EMF_PARTICIPANTS) deps.ledger.leave(key)
    if (config.remoteWrite === undefined) deps.ledger.leave(REMOTE_WRITE_STATE)
    const { folder, budget } = deps.queues
    const sinks = this.#outputs.map(({ name }) => name)
    for (const queue of findUnusedQueues({ folder, sinks, budget }))
      deps.log.warn(unusedQueueNote(queue), { code: "QUEUE_UNUSED", target: `publish.${queue.sink}` })
    for (const { name, counters, limitBytes } of this.#outputs)
      observeOutput(deps.telemetry, name, deps.clock, counters, limitBytes)
  }

  /** @throws MeshscopeError STATE_FUTURE, STATE_UNWRITABLE */
  static async open(config: PublishConfig, deps: OutputDeps): Promise<Outputs> {
    return new Outputs(await configured(config, deps), config, deps)
  }

  get lines(): readonly LineConsumer[] {
    return this.#outputs.flatMap(({ lines }) => lines ?? [])
  }

  get spans(): readonly SpanConsumer[] {
    return this.#outputs.flatMap(({ spans }) => spans ?? [])
  }

  get events(): readonly EventConsumer[] {
    return this.#outputs.flatMap(({ events }) => events ?? [])
  }

  /** Begins to send what waits. Needs no network, credentials or names: an output that lacks them says so and keeps trying. */
  async start(): Promise<void> {
    const started = await Promise.allSettled(this.#outputs.map((output) => output.start()))
    for (const one of started) if (one.status === "rejected") throw one.reason
    for (const output of this.#outputs) {
      const { tick } = output
      if (tick !== undefined) this.#timers.push(setInterval(() => void this.#tick(output), tick.everyMs))
    }
    this.#timers.push(
      setInterval(() => {
        for (const output of this.#outputs) output.tell()
      }, TELL_MS),
    )
  }

  /** To be called after each commit that worked. */
  committed(): void {
    for (const output of this.#outputs) output.committed()
  }

  /** Puts what is new into the queues for the last time; a commit must follow. */
  async lastTick(): Promise<void> {
    this.#endTicks()
    for (const output of this.#outputs) await this.#tick(output)
  }

  #endTicks(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
  }

  /** What one output did not expect must not end the agent. */
  async #tick({ name, tick }: Output): Promise<void> {
    try {
      await tick?.run()
    } catch (error) {
      this.#log.error("An output could not make its records.", {
        code: "EXPORT_UNAVAILABLE",
        target: `publish.${name}`,
        error,
      })
    }
  }

  /** Also of what was begun by halves. */
  async stop(deadlineMs: number): Promise<void> {
    this.#endTicks()
    await Promise.all(this.#outputs.map((output) => output.stop(deadlineMs)))
  }
}

/** Configuration key -> what it makes, loaded only where it is configured. A new output is one line here. */
async function configured(config: PublishConfig, deps: OutputDeps): Promise<Output[]> {
  const logs = config.cloudwatchLogs
  const made = [
    when(config.otlp, async (own) => (await import("./otlp.ts")).otlp(own, deps)),
    when(logs, async (own) => (await import("./cloudwatch.ts")).cloudwatchLogs(own, deps)),
    when(config.cloudwatchMetrics, async (own) =>
      (await import("./cloudwatch.ts")).cloudwatchMetrics(own, deps),
    ),
    when(config.cloudwatchOtlp, async (own) => (await import("./cloudwatch.ts")).cloudwatchOtlp(own, deps)),
    when(config.remoteWrite, async (own) => (await import("./remote-write.ts")).remoteWrite(own, deps)),
    when(config.xray, async (own) => (await import("./traces.ts")).xray(own, deps, logs)),
    when(config.zipkin, async (own) => (await import("./traces.ts")).zipkin(own, deps)),
    when(config.otlpTraces, async (own) => (await import("./traces.ts")).otlpTraces(own, deps)),
    when(config.splunk, async (own) => (await import("./splunk.ts")).splunk(own, deps)),
  ]
  return (await Promise.all(made)).flat()
}

async function when<Own>(own: Own | undefined, make: (own: Own) => Promise<Output>): Promise<Output[]> {
  return own === undefined ? [] : [await make(own)]
}
