import type { Clock } from "#mesh/clock.ts"
import type { Batch, Sink, WriteResult } from "../contract.ts"
import { type BackoffConfig, backoffMs } from "./backoff.ts"
import { type BatchQueue, makeBatchQueue } from "./batch-queue.ts"

export interface DeliveryConfig {
  /** Budget of what waits. The batch under way does not count against it. */
  readonly maxBytes: number
  readonly maxBatches: number
  /** Time limit of one write. */
  readonly timeoutMs: number
  readonly backoff: BackoffConfig
}

export const DEFAULT_DELIVERY: DeliveryConfig = {
  maxBytes: 32 * 1024 * 1024,
  maxBatches: 256,
  timeoutMs: 10_000,
  backoff: { firstMs: 1000, mostMs: 60_000 },
}

export interface DeliveryDeps<B extends Batch> {
  readonly sink: Sink<B>
  readonly clock: Clock
  /** 0 to 1, for jitter. */
  readonly random: () => number
  /** Told of each batch that will not arrive. */
  readonly dropped?: (batch: B, reason: DropReason) => void
}

/** `overflow`: pushed out by newer ones. `rejected`: refused for good. `shutdown`: not sent in time. */
export type DropReason = "overflow" | "rejected" | "shutdown"

/** Records offered = delivered + all dropped + held, at any time. */
export interface DeliveryCounters {
  readonly offered: number
  readonly delivered: number
  readonly dropped: Readonly<Record<DropReason, number>>
  readonly retries: number
  readonly held: number
  readonly heldBytes: number
  /** What the receiver last complained about; undefined since a write worked. */
  readonly trouble: string | undefined
}

/** Queue, time limit and retry around a sink. Batches arrive in order, one at a time. */
export class Delivery<B extends Batch> {
  readonly #config: DeliveryConfig
  readonly #deps: DeliveryDeps<B>
  readonly #queue: BatchQueue<B>
  readonly #ended = new AbortController()
  readonly #dropped: Record<DropReason, number> = { overflow: 0, rejected: 0, shutdown: 0 }
  #offered = 0
  #delivered = 0
  #retries = 0
  #underWay: B | undefined
  #trouble: string | undefined
  #wake: (() => void) | undefined
  #nap = new AbortController()
  #stopping = false
  #loop: Promise<void> | undefined

  constructor(config: DeliveryConfig, deps: DeliveryDeps<B>) {
    this.#config = config
    this.#deps = deps
    this.#queue = makeBatchQueue({ bytes: config.maxBytes, batches: config.maxBatches })
  }

  get counters(): DeliveryCounters {
    return {
      offered: this.#offered,
      delivered: this.#delivered,
      dropped: this.#dropped,
      retries: this.#retries,
      held: this.#queue.records + (this.#underWay?.records ?? 0),
      heldBytes: this.#queue.bytes + (this.#underWay?.bytes ?? 0),
      trouble: this.#trouble,
    }
  }

  async start(): Promise<void> {
    await this.#deps.sink.start()
    this.#loop = this.#run()
  }

  /** Takes a batch; never blocks and never fails. What does not fit is dropped and counted. */
  offer(batch: B): void {
    this.#offered += batch.records
    if (this.#stopping) this.#drop([batch], "shutdown")
    else this.#drop(this.#queue.push(batch), "overflow")
    this.#wake?.()
  }

  /** Sends what waits until `deadlineMs` have passed, then drops the rest, counted. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true
    this.#nap.abort()
    this.#wake?.()
    const passed = new AbortController()
    await Promise.race([this.#loop, this.#deps.clock.sleep(deadlineMs, passed.signal)])
    this.#ended.abort()
    this.#nap.abort()
    passed.abort()
    await this.#loop
    for (let batch = this.#queue.take(); batch !== undefined; batch = this.#queue.take()) {
      this.#drop([batch], "shutdown")
    }
    await this.#deps.sink.stop()
  }

  async #run(): Promise<void> {
    let attempt = 0
    while (!this.#ended.signal.aborted) {
      const batch = this.#queue.take()
      if (batch === undefined) {
        if (this.#stopping) return
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        continue
      }
      this.#underWay = batch
      const result = await this.#write(batch)
      this.#underWay = undefined
      attempt = result.kind === "retry" ? attempt + 1 : 0
      if (result.kind !== "retry") this.#settle(batch, result)
      else await this.#again(batch, result, attempt)
    }
  }

  async #write(batch: B): Promise<WriteResult> {
    const limit = AbortSignal.timeout(this.#config.timeoutMs)
    try {
      return await this.#deps.sink.write(batch, AbortSignal.any([limit, this.#ended.signal]))
    } catch (error) {
      return { kind: "retry", why: error instanceof Error ? error.message : String(error) }
    }
  }

  #settle(batch: B, result: Exclude<WriteResult, { kind: "retry" }>): void {
    this.#trouble = result.why
    if (result.kind === "rejected") {
      this.#drop([batch], "rejected")
      return
    }
    const rejected = Math.min(Math.max(0, result.rejected), batch.records)
    this.#delivered += batch.records - rejected
    this.#dropped.rejected += rejected
  }

  async #again(batch: B, result: WriteResult & { kind: "retry" }, attempt: number): Promise<void> {
    this.#retries++
    this.#trouble = result.why
    this.#drop(this.#queue.putBack(batch), "overflow")
    if (this.#ended.signal.aborted) return
    this.#nap = new AbortController()
    const waitMs = backoffMs(this.#config.backoff, attempt, this.#deps.random, result.afterMs)
    await this.#deps.clock.sleep(waitMs, this.#nap.signal)
  }

  #drop(batches: readonly B[], reason: DropReason): void {
    for (const batch of batches) {
      this.#dropped[reason] += batch.records
      this.#deps.dropped?.(batch, reason)
    }
  }
}
