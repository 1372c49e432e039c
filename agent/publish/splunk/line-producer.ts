import type { Outbox } from "../contract.ts"
import { type LineProducer, type LineProducerConfig, makeLineProducer } from "../lines/line-producer.ts"
import { type HecPlace, makeHecEnvelope } from "./hec-envelope.ts"

export interface HecLineProducerConfig extends LineProducerConfig {
  readonly place: HecPlace
}

export interface HecLineProducerDeps {
  readonly outbox: Outbox
  /** ms since the epoch, for lines that tell no time. */
  readonly now: () => number
}

/** Splunk cuts events after 10,000 characters unless TRUNCATE of props.conf says otherwise; ours are not cut below this. */
const MAX_LINE_BYTES = 256 * 1024

/** Makes an event for Splunk of each access line that the filter passes. */
export function makeHecLineProducer(
  config: HecLineProducerConfig,
  { outbox, now }: HecLineProducerDeps,
): LineProducer {
  const envelope = makeHecEnvelope(config.place)
  return makeLineProducer(config, MAX_LINE_BYTES, {
    now,
    put: (timeMs, bytes) => outbox.append("", timeMs, envelope.wrap(timeMs, bytes)),
  })
}
