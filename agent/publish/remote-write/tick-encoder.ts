import { setImmediate } from "node:timers/promises"
import { compress } from "snappyjs"
import type { Family, Snapshot } from "#mesh/snapshot.ts"
import { linesPer } from "../prometheus/series-lines.ts"
import type { Ended } from "../series/ended-series.ts"
import { removals } from "../series/removals.ts"
import { type LabelBytes, makeLabelBytes } from "./label-bytes.ts"
import type { SendState } from "./send-state.ts"
import { makeWriteRequest, type WriteRequest } from "./write-request.ts"

export interface TickEncoderConfig {
  /** On every series that has none of that name, e.g. `agent`. */
  readonly labels: Readonly<Record<string, string>>
  /** Most samples of one request. Default 2,000, as Prometheus sends. */
  readonly maxSamples?: number
}

export interface Tick {
  readonly timeMs: number
  /** What was born later comes with the next tick. */
  readonly generation: number
  readonly gone: readonly Ended[]
  readonly state: Pick<SendState, "zeroMs">
}

/** A request, encoded and compressed. */
export interface EncodedRequest {
  readonly payload: Uint8Array
  /** Samples. */
  readonly count: number
}

export interface TickEncoder {
  /** The requests of a tick, in their order. Undefined when a series left meanwhile: its place may be another's now. */
  encode(tick: Tick): Promise<readonly EncodedRequest[] | undefined>
}

const MAX_SAMPLES = 2000
/** Label bytes of series that left are kept until they take as much as those of all others, and so much at least. */
const MIN_TIDY_BYTES = 1 << 20

/** Lets the event loop run between requests, and between writing one and compressing it. */
export function makeTickEncoder(config: TickEncoderConfig, snapshot: Snapshot): TickEncoder {
  const most = config.maxSamples ?? MAX_SAMPLES
  let kept: { readonly labels: LabelBytes; readonly request: WriteRequest; liveBytes: number } = begin()
  function begin() {
    const labels = makeLabelBytes(config.labels)
    return { labels, request: makeWriteRequest(labels, snapshot), liveBytes: 0 }
  }
  return {
    async encode(tick) {
      if (kept.labels.used > Math.max(MIN_TIDY_BYTES, 2 * kept.liveBytes)) kept = begin()
      const { labels, request } = kept
      const before = removals(snapshot)
      const requests: EncodedRequest[] = []
      request.take()
      for (const _ of cutTick(snapshot, request, tick, most)) {
        await setImmediate()
        if (removals(snapshot) !== before) return undefined
        const count = request.samples
        if (count === 0) continue
        requests.push({ payload: compressed(request.take()), count })
        await setImmediate()
        if (removals(snapshot) !== before) return undefined
      }
      if (kept.liveBytes === 0) kept.liveBytes = labels.used
      return requests
    },
  }
}

/** Fills a request until it is full and yields; whoever asks on has taken it. */
function* cutTick(snapshot: Snapshot, request: WriteRequest, tick: Tick, most: number): Generator<undefined> {
  const { timeMs, generation, gone, state } = tick
  const full = ({ metric }: Family): boolean =>
    request.samples > 0 && request.samples + linesPer(metric) > most
  for (const { family, series } of gone)
    for (const one of series) {
      if (full(family)) yield
      request.put("ended", family, one, timeMs)
    }
  for (const family of snapshot.families) {
    if (family.metric.type === "gauge") continue
    for (const series of family.series) {
      if (series.born > generation) break
      const zeroMs = state.zeroMs(series, timeMs)
      if (zeroMs === undefined) continue
      if (full(family)) yield
      request.put("zero", family, series, zeroMs)
    }
  }
  yield
  for (const family of snapshot.families)
    for (const series of family.series) {
      if (series.born > generation) break
      if (full(family)) yield
      request.put("value", family, series, timeMs)
    }
  yield
}

/** Of a Buffer the library would answer a view that holds the whole memory it worked in; of a plain array, a copy. */
function compressed(message: Buffer): Uint8Array {
  return compress(new Uint8Array(message.buffer, message.byteOffset, message.length))
}
