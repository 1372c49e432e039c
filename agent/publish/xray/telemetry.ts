import type { BackendConnectionErrors, TelemetryRecord } from "@aws-sdk/client-xray"
import type { Clock } from "#mesh/clock.ts"

/** What came of segments, in documents. May begin with what was counted before the agent was started again. */
export interface SegmentCounts {
  readonly received: number
  readonly sent: number
  /** Dropped for want of room. */
  readonly spillover: number
  /** Refused, by us or by X-Ray. */
  readonly rejected: number
}

export interface TelemetryDeps {
  readonly clock: Clock
  readonly counts: () => SegmentCounts
  /** Sends records; rejects when they did not arrive. */
  readonly send: (records: TelemetryRecord[], signal: AbortSignal) => Promise<void>
}

const INTERVAL_MS = 60_000
/** What the daemon keeps of minutes without an answer, and sends in a call (aws-xray-daemon, pkg/telemetry). */
const MAX_KEPT = 30
const MAX_PER_CALL = 10
const SEND_MS = 5000
/** A stopping agent has waited for X-Ray already; its numbers are worth no second wait. */
const LAST_MS = 500
const COUNT_MAX = 2 ** 31 - 1

type ErrorKind = keyof BackendConnectionErrors
const NO_ERRORS: Readonly<Record<ErrorKind, number>> = {
  TimeoutCount: 0,
  ConnectionRefusedCount: 0,
  HTTPCode4XXCount: 0,
  HTTPCode5XXCount: 0,
  UnknownHostCount: 0,
  OtherCount: 0,
}

/**
 * Tells X-Ray every minute how many segments came and went, as the daemon does (docs.aws.amazon.com/xray/latest/api,
 * PutTelemetryRecords). Nothing is sent before the first segment. What cannot be sent is kept for half an hour.
 */
export class XrayTelemetry {
  readonly #deps: TelemetryDeps
  readonly #stopped = new AbortController()
  /** Time is up for all sending. */
  readonly #ended = new AbortController()
  #running: Promise<void> = Promise.resolve()
  /** As they were when the last record was made; undefined before `start`. */
  #last: SegmentCounts | undefined
  /** Whether a segment came since `start`. */
  #told = false
  #errors: Record<ErrorKind, number> = { ...NO_ERRORS }
  #kept: TelemetryRecord[] = []

  constructor(deps: TelemetryDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#last = this.#deps.counts()
    this.#running = this.#run()
  }

  /** Sends what there is once more, if that is quickly done. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    const limit = this.#deps.clock.sleep(LAST_MS, this.#ended.signal)
    await Promise.race([this.#running, limit])
    this.#ended.abort()
    await this.#running
  }

  /** A call that did not succeed. */
  countError(error: unknown): void {
    this.#errors[errorKind(error)]++
  }

  async #run(): Promise<void> {
    for (;;) {
      await this.#deps.clock.sleep(INTERVAL_MS, this.#stopped.signal)
      // What came while the last was being sent is told too.
      const last = this.#stopped.signal.aborted
      this.#cut()
      await this.#sendAll()
      if (last) return
    }
  }

  /** Ends the minute. */
  #cut(): void {
    const counts = this.#deps.counts()
    const last = this.#last
    if (last === undefined || (!this.#told && counts.received === last.received)) return
    this.#told = true
    const since = (key: keyof SegmentCounts): number =>
      Math.min(COUNT_MAX, Math.max(0, counts[key] - last[key]))
    this.#kept.push({
      Timestamp: new Date(this.#deps.clock.now()),
      SegmentsReceivedCount: since("received"),
      SegmentsSentCount: since("sent"),
      SegmentsSpilloverCount: since("spillover"),
      SegmentsRejectedCount: since("rejected"),
      BackendConnectionErrors: this.#errors,
    })
    this.#errors = { ...NO_ERRORS }
    this.#last = counts
    this.#kept = this.#kept.slice(-MAX_KEPT)
  }

  async #sendAll(): Promise<void> {
    while (this.#kept.length > 0) {
      const records = this.#kept.slice(0, MAX_PER_CALL)
      try {
        const limit = AbortSignal.timeout(SEND_MS)
        await this.#deps.send(records, AbortSignal.any([limit, this.#ended.signal]))
      } catch (error) {
        this.countError(error)
        return
      }
      this.#kept = this.#kept.slice(records.length)
    }
  }
}

/** As the daemon sorts them. */
function errorKind(error: unknown): ErrorKind {
  const status = statusOf(error)
  if (status >= 500) return "HTTPCode5XXCount"
  if (status >= 400) return "HTTPCode4XXCount"
  if (!(error instanceof Error)) return "OtherCount"
  const code = "code" in error ? error.code : ""
  if (code === "ECONNREFUSED") return "ConnectionRefusedCount"
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "UnknownHostCount"
  return /^(?:AbortError|TimeoutError)$/.test(error.name) || code === "ETIMEDOUT"
    ? "TimeoutCount"
    : "OtherCount"
}

function statusOf(error: unknown): number {
  if (typeof error !== "object" || error === null || !("$metadata" in error)) return 0
  const { $metadata: metadata } = error
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return 0
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : 0
}
