import type { PublishConfig } from "../config/publish-schema.ts"
import { EMF_PARTICIPANTS } from "../publish/cloudwatch-emf/emf-producer.ts"
import type { EventConsumer, LineConsumer, SpanConsumer } from "../publish/contract.ts"
import { findUnusedQueues, unusedQueueNote } from "../publish/queue/unused-queues.ts"
import { observeOutput } from "../self-metrics.ts"
import { cloudwatchLogs, cloudwatchMetrics, cloudwatchOtlp } from "./cloudwatch.ts"
import { otlp } from "./otlp.ts"
import type { Output, OutputDeps } from "./output.ts"
import { REMOTE_WRITE_STATE, remoteWrite } from "./pushed-metrics.ts"
import { splunk } from "./splunk.ts"
import { otlpTraces, xray, zipkin } from "./traces.ts"

/** How often the log says what is wrong with an output. */
const TELL_MS = 5000

/** All ways out of the agent but the page for Prometheus. */
export class Outputs {
  readonly #outputs: readonly Output[]
  readonly #timers: NodeJS.Timeout[] = []

  /** @throws MeshscopeError STATE_FUTURE, STATE_UNWRITABLE */
  constructor(config: PublishConfig, deps: OutputDeps) {
    this.#outputs = configured(config, deps)
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
    await Promise.all(this.#outputs.map((output) => output.start()))
    for (const { tick } of this.#outputs)
      if (tick !== undefined) this.#timers.push(setInterval(() => void tick.run(), tick.everyMs))
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
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
    for (const { tick } of this.#outputs) await tick?.run()
  }

  async stop(deadlineMs: number): Promise<void> {
    await Promise.all(this.#outputs.map((output) => output.stop(deadlineMs)))
  }
}

/** Configuration key -> what it makes. A new output is one line here. */
function configured(config: PublishConfig, deps: OutputDeps): Output[] {
  return [
    ...made(config.otlp, (own) => otlp(own, deps)),
    ...made(config.cloudwatchLogs, (own) => cloudwatchLogs(own, deps)),
    ...made(config.cloudwatchMetrics, (own) => cloudwatchMetrics(own, deps)),
    ...made(config.cloudwatchOtlp, (own) => cloudwatchOtlp(own, deps)),
    ...made(config.remoteWrite, (own) => remoteWrite(own, deps)),
    ...made(config.xray, (own) => xray(own, deps, config.cloudwatchLogs)),
    ...made(config.zipkin, (own) => zipkin(own, deps)),
    ...made(config.otlpTraces, (own) => otlpTraces(own, deps)),
    ...made(config.splunk, (own) => splunk(own, deps)),
  ]
}

function made<Own>(own: Own | undefined, make: (own: Own) => Output): Output[] {
  return own === undefined ? [] : [make(own)]
}
