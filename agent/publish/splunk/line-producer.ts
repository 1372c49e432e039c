import type { LineConsumer, Outbox } from "../contract.ts"
import { type LineEncoderConfig, makeLineEncoder } from "../lines/line-encoder.ts"
import { type LeftOut, type LineFilterConfig, makeLineFilter } from "../lines/line-filter.ts"
import { type HecPlace, makeHecEnvelope } from "./hec-envelope.ts"

export interface HecLineProducerConfig
  extends LineFilterConfig,
    Pick<LineEncoderConfig, "cluster" | "query"> {
  readonly place: HecPlace
}

export interface HecLineProducerDeps {
  readonly outbox: Outbox
  /** ms since the epoch, for lines that tell no time. */
  readonly now: () => number
}

/** Makes an event for Splunk of each access line that the filter passes. */
export interface HecLineProducer extends LineConsumer {
  /** Lines that were not passed on, by reason; they only rise. */
  readonly leftOut: Readonly<Record<LeftOut, number>>
}

/** Splunk cuts events after 10,000 characters unless TRUNCATE of props.conf says otherwise; ours are not cut below this. */
const MAX_LINE_BYTES = 256 * 1024

export function makeHecLineProducer(
  config: HecLineProducerConfig,
  { outbox, now }: HecLineProducerDeps,
): HecLineProducer {
  const filter = makeLineFilter(config)
  const encoder = makeLineEncoder({ ...config, maxBytes: MAX_LINE_BYTES }, { now })
  const envelope = makeHecEnvelope(config.place)
  return {
    leftOut: filter.leftOut,
    line(fact, resolution, proxy) {
      if (!filter.passes(fact, resolution)) return
      const { bytes, timeMs } = encoder.encode(fact, resolution, proxy)
      outbox.append("", timeMs, envelope.wrap(timeMs, bytes))
    },
  }
}
