import { setImmediate } from "node:timers/promises"
import { compress } from "snappyjs"
import type { Clock } from "#mesh/clock.ts"
import type { Family, Series, Snapshot } from "#mesh/snapshot.ts"
import type { Outbox } from "../contract.ts"
import { makeEndedSeries } from "./ended-series.ts"
import { makeLabelBytes } from "./label-bytes.ts"
import { makeSendState, type SendState } from "./send-state.ts"
import { makeWriteRequest, samplesOf } from "./write-request.ts"

export interface RemoteWriteExportConfig {
  /** On every series that has none of that name, e.g. `agent`. */
  readonly labels: Readonly<Record<string, string>>
  /** Most samples of one request. Default 2,000, as Prometheus sends. */
  readonly maxSamples?: number
}

export interface RemoteWriteExportDeps {
  readonly snapshot: Snapshot
  readonly clock: Pick<Clock, "now">
  readonly outbox: Outbox
  /** What `state` last committed, before a restart. */
  readonly restored: Uint8Array | undefined
}

/**
 * Puts every series into the outbox at each tick, as a scrape would see it, so that `rate()` and `increase()` work as ever.
 * Requests are queued as they will be sent, so that after an outage the receiver has each point of it.
 *
 * - A counter or histogram that is new to the receiver begins with 0 at its start time, so that `increase()` counts from its
 *   first request on (docs/decisions/2026-11-21-a-new-counter-starts-at-zero.md).
 * - A series that left gets a stale marker, so that its last value is not taken for a present one.
 * - All requests of a tick and the time of it are committed together or not at all: after kill -9 no sample comes twice
 *   with another value, none before its predecessor.
 */
export interface RemoteWriteExport {
  /** Calls do not overlap: one that comes during another waits for that and adds nothing. */
  tick(): Promise<void>
  /** Joins the ledger as a participant. */
  readonly state: { save(): Uint8Array | undefined }
}

const MAX_SAMPLES = 2000
/** Series that leave during a tick make it begin again, but not for ever. */
const MAX_PASSES = 5

interface Encoded {
  readonly payload: Uint8Array
  readonly count: number
}

export function makeRemoteWriteExport(
  config: RemoteWriteExportConfig,
  { snapshot, clock, outbox, restored }: RemoteWriteExportDeps,
): RemoteWriteExport {
  const state = makeSendState(restored, { generation: snapshot.generation, timeMs: clock.now() })
  const ended = makeEndedSeries(snapshot)
  const encoder = makeEncoder(config, snapshot, state)
  let running: Promise<void> | undefined
  const run = async (): Promise<void> => {
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      const { timeMs, generation } = snapshot
      if (generation === 0 || !state.due(timeMs)) return
      const gone = ended.since()
      const requests = await encoder.encode(timeMs, generation, gone.series)
      if (requests === undefined) continue
      for (const { payload, count } of requests) outbox.append("", timeMs, payload, count)
      state.sent(timeMs, generation)
      gone.told()
      return
    }
  }
  return {
    state,
    tick() {
      running ??= run().finally(() => {
        running = undefined
      })
      return running
    },
  }
}

/** The requests of one tick; undefined when a series left while they were made, since its place may be another's. */
function makeEncoder(config: RemoteWriteExportConfig, snapshot: Snapshot, state: SendState) {
  const most = config.maxSamples ?? MAX_SAMPLES
  let labels = makeLabelBytes(config.labels)
  let request = makeWriteRequest(labels, snapshot)
  let usedBytes = 0
  /** Labels of series that left are kept until they take as much as those of all others did. */
  const tidy = (): void => {
    if (labels.used < 1 << 20 || labels.used < 2 * usedBytes) return
    labels = makeLabelBytes(config.labels)
    request = makeWriteRequest(labels, snapshot)
    usedBytes = 0
  }
  const removals = (): number => snapshot.families.reduce((sum, family) => sum + family.removals, 0)
  return {
    async encode(
      timeMs: number,
      generation: number,
      gone: readonly (readonly [Family, Series])[],
    ): Promise<Encoded[] | undefined> {
      tidy()
      request.take()
      const before = removals()
      const requests: Encoded[] = []
      const flush = async (): Promise<boolean> => {
        const count = request.samples
        if (count > 0) requests.push({ payload: compressed(request.take()), count })
        await setImmediate()
        return removals() === before
      }
      for (const [family, series] of gone) {
        if (request.samples + samplesOf(family.metric, false) > most && !(await flush())) return undefined
        request.ended(family, series, timeMs)
      }
      for (const family of snapshot.families) {
        for (let index = 0; index < family.series.length; index++) {
          const series = family.series[index]
          // What is born during the tick comes with the next one.
          if (series === undefined || series.born > generation) break
          const zeroMs = family.metric.type === "gauge" ? undefined : state.zeroMs(series, timeMs)
          if (request.samples + samplesOf(family.metric, zeroMs !== undefined) > most && !(await flush()))
            return undefined
          request.value(family, series, timeMs, zeroMs)
        }
      }
      if (!(await flush())) return undefined
      if (usedBytes === 0) usedBytes = labels.used
      return requests
    },
  }
}

/** Of a Buffer the library would answer a view that holds the whole memory it worked in; of a plain array, a copy. */
function compressed(message: Buffer): Uint8Array {
  return compress(new Uint8Array(message.buffer, message.byteOffset, message.length))
}
