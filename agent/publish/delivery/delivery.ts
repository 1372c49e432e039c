import type { Clock } from "#mesh/clock.ts"
import type { QueueRecord, Sink, WriteResult } from "../contract.ts"
import { type BackoffConfig, backoffMs } from "./backoff.ts"
import { checkedSplit } from "./checked-split.ts"
import type { QueueCounters, RecordQueue } from "./record-queue.ts"
import { makeSuspects } from "./suspects.ts"
import { type Waiting, WaitingWindow } from "./waiting-window.ts"

export interface DeliveryConfig {
  /** Time limit of one write. */
  readonly timeoutMs: number
  readonly backoff: BackoffConfig
  /** Bounds of what is taken from the queue and not settled, and so of what newer records may flow past. */
  readonly window: { readonly bytes: number; readonly records: number }
  /** Requests under way at once. */
  readonly concurrency: number
  /** No record is sent before an older one is settled. For values, of which an older one must not come last. */
  readonly ordered: boolean
}

export const DEFAULT_DELIVERY: DeliveryConfig = {
  timeoutMs: 10_000,
  backoff: { firstMs: 1000, mostMs: 60_000 },
  window: { bytes: 8 * 1024 * 1024, records: 20_000 },
  concurrency: 1,
  ordered: false,
}

export interface DeliveryDeps<Body, Item extends QueueRecord> {
  readonly queue: RecordQueue<Item>
  readonly sink: Sink<Body, Item>
  readonly clock: Clock
  /** 0 to 1, for jitter. */
  readonly random: () => number
}

/** What the queue counts, and how sending goes, since the process began. */
export interface DeliveryCounters extends QueueCounters {
  /** Requests by what became of them. */
  readonly requests: Readonly<Record<WriteResult["kind"], number>>
  /** Answers after which all or a part of a request is sent again. */
  readonly retries: number
  /** Why records have to wait; undefined when the last write worked and nothing waits for another try. */
  readonly trouble: string | undefined
  /** What the receiver said last when it refused records for good, or took them with a warning. */
  readonly remark: string | undefined
}

/** Records that are looked at while the receiver takes nothing: the rest need not be in memory, nor be split. */
const PROBE_RECORDS = 1000

/** A request that is to be written. */
interface Asked<Body, Item extends QueueRecord> {
  readonly body: Body
  readonly records: readonly Waiting<Item>[]
  /** How often the one of its records came back that came back most. */
  readonly attempts: number
}

/** How one round of writes went. */
interface Round {
  retried: boolean
  worked: boolean
  /** The longest that the receiver asked to be left alone. */
  askedMs: number | undefined
}

/**
 * Takes records from a queue, lets a sink cut them into requests, and writes these with a time limit and with retry. When a
 * receiver does not take a request, the whole sink waits before the next one (longer each time in a row, or as long as the
 * receiver asks), and that request's records wait for their own time; others go first then. So a receiver that is down gets
 * one request at a time, and a part that it keeps refusing for now holds up nothing else. What it refuses for good as a whole
 * is sent in halves, so that one bad record does not take others with it (`Suspects`).
 */
export class Delivery<Body, Item extends QueueRecord = QueueRecord> {
  readonly #config: DeliveryConfig
  readonly #deps: DeliveryDeps<Body, Item>
  readonly #window: WaitingWindow<Item>
  readonly #ended = new AbortController()
  readonly #suspects = makeSuspects()
  readonly #requests = { accepted: 0, retry: 0, rejected: 0 }
  #retries = 0
  #trouble: string | undefined
  #remark: string | undefined
  /** Rounds in a row without a request that worked. */
  #failures = 0
  #pausedToMs = -Infinity
  #wake: (() => void) | undefined
  #nap = new AbortController()
  #stopping = false
  #loop: Promise<void> | undefined

  constructor(config: DeliveryConfig, deps: DeliveryDeps<Body, Item>) {
    this.#config = config
    this.#deps = deps
    this.#window = new WaitingWindow(deps.queue, config.window)
  }

  get counters(): DeliveryCounters {
    return {
      ...this.#deps.queue.counters,
      requests: this.#requests,
      retries: this.#retries,
      trouble: this.#trouble,
      remark: this.#remark,
    }
  }

  async start(): Promise<void> {
    await this.#deps.sink.start()
    this.#deps.queue.listen(() => this.#wake?.())
    this.#loop = this.#run()
  }

  /** Sends what waits until `deadlineMs` have passed. The rest stays in the queue, or is dropped where it keeps nothing. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true
    this.#window.hurry()
    this.#pausedToMs = -Infinity
    this.#nap.abort()
    this.#wake?.()
    const passed = new AbortController()
    await Promise.race([this.#loop, this.#deps.clock.sleep(deadlineMs, passed.signal)])
    this.#ended.abort()
    this.#nap.abort()
    passed.abort()
    await this.#loop
    this.#deps.queue.close()
    await this.#deps.sink.stop()
  }

  async #run(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      const readable = await this.#fill()
      const nowMs = this.#deps.clock.monotonic()
      const ready = nowMs < this.#pausedToMs ? [] : this.#window.ready(nowMs, this.#config.ordered)
      if (ready.length > 0) await this.#round(ready)
      else if (this.#stopping && readable && this.#window.size === 0 && !this.#deps.queue.waiting) return
      else await this.#wait(nowMs)
    }
  }

  async #fill(): Promise<boolean> {
    try {
      this.#window.sweep()
      if (this.#wantsMore()) await this.#window.fill(this.#down ? PROBE_RECORDS : Infinity)
      return true
    } catch (error) {
      this.#trouble = error instanceof Error ? error.message : String(error)
      this.#pause({ retried: true, worked: false, askedMs: undefined })
      return false
    }
  }

  /** While the receiver is down, what was not tried yet is enough to try. */
  #wantsMore(): boolean {
    return !this.#window.full && (!this.#down || !this.#window.fresh)
  }

  /** Nothing worked for two rounds. After one, or where some of it worked, it may be a part that is not taken. */
  get #down(): boolean {
    return this.#failures > 1
  }

  /** Until something is due, or comes while it is wanted. */
  async #wait(nowMs: number): Promise<void> {
    const paused = nowMs < this.#pausedToMs
    const untilMs = paused ? this.#pausedToMs : this.#window.dueMs(this.#config.ordered)
    this.#nap = new AbortController()
    if (this.#ended.signal.aborted) return
    const { signal } = this.#nap
    if (!paused && this.#wantsMore()) {
      if (this.#deps.queue.waiting) return
      this.#wake = () => this.#nap.abort()
    }
    if (Number.isFinite(untilMs)) await this.#deps.clock.sleep(untilMs - nowMs, signal)
    else await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }))
    this.#wake = undefined
  }

  async #round(due: readonly Waiting<Item>[]): Promise<void> {
    const down = this.#down
    const ready = down ? this.#inTurn(due).slice(0, PROBE_RECORDS) : due
    const parts = Map.groupBy(ready, ({ part }) => part)
    const left = [...this.#inTurn([...parts.values()].flatMap((part) => this.#split(part)))]
    const round: Round = { retried: false, worked: false, askedMs: undefined }
    // While the receiver is down it gets one request at a time.
    const lanes = down ? 1 : this.#config.concurrency
    await Promise.all(Array.from({ length: lanes }, () => this.#lane(left, round)))
    this.#pause(round)
    this.#window.sweep()
  }

  #split(ready: readonly Waiting<Item>[]): Asked<Body, Item>[] {
    const split = checkedSplit(
      this.#deps.sink,
      ready.map((one) => one.held.item),
      this.#deps.clock.now(),
    )
    for (const [index, reason] of split.refused) {
      const one = ready[index]
      if (one !== undefined) this.#window.settle(one, 0, reason)
    }
    return split.requests.map(({ records: indexes, body }) => {
      const records = indexes.flatMap((index) => ready[index] ?? [])
      return { body, records, attempts: records.reduce((most, one) => Math.max(most, one.attempts), 0) }
    })
  }

  /** Those that came back less often go first, where order does not matter. */
  #inTurn<One extends { readonly attempts: number }>(ones: readonly One[]): readonly One[] {
    return this.#config.ordered ? ones : ones.toSorted((one, other) => one.attempts - other.attempts)
  }

  async #lane(requests: Asked<Body, Item>[], round: Round): Promise<void> {
    while (!round.retried && !this.#ended.signal.aborted) {
      const request = requests.shift()
      if (request === undefined) return
      const { records, body } = request
      // Its records may all have been pushed out while others were written.
      if (records.every((one) => one.held.gone)) continue
      this.#apply(records, await this.#write(body), round)
    }
  }

  async #write(body: Body): Promise<WriteResult> {
    const limit = AbortSignal.timeout(this.#config.timeoutMs)
    try {
      return await this.#deps.sink.write(body, AbortSignal.any([limit, this.#ended.signal]))
    } catch (error) {
      return { kind: "retry", why: error instanceof Error ? error.message : String(error) }
    }
  }

  #apply(records: readonly Waiting<Item>[], result: WriteResult, round: Round): void {
    this.#requests[result.kind]++
    if (result.kind === "retry") {
      round.retried = true
      round.askedMs = Math.max(round.askedMs ?? 0, result.afterMs ?? 0)
      this.#again(records, result.why, result.afterMs)
      return
    }
    if (result.kind === "rejected") {
      if (!this.#suspects.halve(records, result.reason))
        for (const one of records) this.#window.settle(one, 0, result.reason)
      round.worked = true
      this.#settledWith(result.why)
      return
    }
    this.#suspects.clear()
    const back = this.#accepted(records, result)
    if (back.length === 0 || back.length < records.length) round.worked = true
    else round.retried = true
    if (back.length > 0) this.#again(back, result.why ?? "The receiver asks for records again.", undefined)
    else this.#settledWith(result.why)
  }

  #settledWith(why: string | undefined): void {
    if (why !== undefined) this.#remark = why
    if (!this.#window.stuck) this.#trouble = undefined
  }

  /** Settles what is done; answers what has to be sent again. */
  #accepted(records: readonly Waiting<Item>[], result: WriteResult & { kind: "accepted" }): Waiting<Item>[] {
    const back: Waiting<Item>[] = []
    let refused = Math.max(0, result.rejectedCount ?? 0)
    for (const [position, one] of records.entries()) {
      const reason = result.rejected?.get(position)
      const { count } = one.held.item
      if (reason !== undefined) this.#window.settle(one, 0, reason)
      else if (result.again?.has(position) === true) back.push(one)
      else {
        const own = Math.min(refused, count)
        refused -= own
        this.#window.settle(one, count - own, "rejected")
      }
    }
    return back
  }

  #again(records: readonly Waiting<Item>[], why: string, askedMs: number | undefined): void {
    this.#retries++
    this.#trouble = why
    const nowMs = this.#deps.clock.monotonic()
    const attempt = records.reduce((most, one) => Math.max(most, one.attempts), 0) + 1
    const waitMs = backoffMs(this.#config.backoff, attempt, this.#deps.random, askedMs)
    for (const one of records) {
      one.attempts = attempt
      one.dueMs = nowMs + waitMs
    }
  }

  #pause(round: Round): void {
    if (!round.retried) {
      this.#failures = 0
      return
    }
    this.#failures = round.worked ? 1 : this.#failures + 1
    const waitMs = backoffMs(this.#config.backoff, this.#failures, this.#deps.random, round.askedMs)
    this.#pausedToMs = this.#deps.clock.monotonic() + waitMs
  }
}
