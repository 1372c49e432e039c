import type { Clock } from "#mesh/clock.ts"
import type { Environment } from "#mesh/interpolation.ts"
import type { Snapshot } from "#mesh/snapshot.ts"
import type { Ledger } from "../account/contract.ts"
import type { PublishConfig } from "../config/publish-schema.ts"
import type { EventConsumer, LineConsumer, SpanConsumer } from "../publish/contract.ts"
import type { DeliveryCounters } from "../publish/delivery/delivery.ts"
import type { QueueBudget } from "../publish/queue/queue-budget.ts"
import type { Log } from "../telemetry/log.ts"
import type { Telemetry } from "../telemetry/telemetry.ts"

/** What is configured below `publish` for one output. */
export type Configured<K extends keyof PublishConfig> = NonNullable<PublishConfig[K]>

/** What every output is made with. */
export interface OutputDeps {
  readonly clock: Clock
  readonly log: Log
  readonly env: Environment
  readonly telemetry: Telemetry
  readonly snapshot: Snapshot
  readonly ledger: Pick<Ledger, "join" | "leave" | "restored">
  readonly queues: {
    /** Where durable queues have their files. */
    readonly folder: string
    /** How much they may take together. */
    readonly budget: QueueBudget
    /** Told when so much waits for the next commit that it should not wait long. */
    readonly crowded: () => void
  }
  readonly agentId: string
  readonly cluster: string
  readonly version: string
  readonly hostName: string
}

/** What remote write has sent is committed under this key. */
export const REMOTE_WRITE_STATE = "remoteWrite/state"

/** One way out of the agent: what makes its records, where they wait, and who sends them. */
export interface Output {
  /** The configuration's key below `publish`, and the label `sink` of its metrics. */
  readonly name: string
  readonly lines?: LineConsumer
  readonly spans?: SpanConsumer
  readonly events?: EventConsumer
  /** Puts into the queue what is new in the ledger's snapshot. Called every so often, between two commits. */
  readonly tick?: { readonly everyMs: number; run(): void | Promise<void> }
  readonly counters: () => DeliveryCounters
  /** Most bytes that wait for it; what has a queue on disk shares them with the others. */
  readonly limitBytes: number
  /** Says in the log what went wrong or right since the last call. */
  tell(): void
  start(): Promise<void>
  /** What was put into the queue before the last commit may be sent. */
  committed(): void
  /** Sends what waits for at most so long; the rest stays on disk. */
  stop(deadlineMs: number): Promise<void>
}
