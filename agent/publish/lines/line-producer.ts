import type { ProxyIdentity } from "#mesh/proxy.ts"
import type { LineConsumer } from "../contract.ts"
import { type LineEncoderConfig, makeLineEncoder } from "./line-encoder.ts"
import { type LeftOut, type LineFilterConfig, makeLineFilter } from "./line-filter.ts"

/** What a user says of the lines that go to an output. */
export type LineProducerConfig = LineFilterConfig & Pick<LineEncoderConfig, "cluster" | "query">

export interface LineProducerDeps {
  /** ms since the epoch, for lines that tell no time. */
  readonly now: () => number
  /** Takes an encoded line; `bytes` are good until it returns. */
  readonly put: (timeMs: number, bytes: Uint8Array, proxy: ProxyIdentity) => void
}

/** Encodes each access line that the filter passes. */
export interface LineProducer extends LineConsumer {
  /** Lines that were not passed on, by reason; they only rise. */
  readonly leftOut: Readonly<Record<LeftOut, number>>
}

/** @param maxBytes longer lines are cut to it */
export function makeLineProducer(
  config: LineProducerConfig,
  maxBytes: number,
  { now, put }: LineProducerDeps,
): LineProducer {
  const filter = makeLineFilter(config)
  const encoder = makeLineEncoder({ ...config, maxBytes }, { now })
  return {
    leftOut: filter.leftOut,
    line(fact, resolution, proxy) {
      if (!filter.passes(fact, resolution)) return
      const { bytes, timeMs } = encoder.encode(fact, resolution, proxy)
      put(timeMs, bytes, proxy)
    },
  }
}
