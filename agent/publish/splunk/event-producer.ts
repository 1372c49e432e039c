import { proxyOwner } from "#mesh/proxy.ts"
import type { EventConsumer, Outbox } from "../contract.ts"
import { type HecPlace, makeHecEnvelope } from "./hec-envelope.ts"

export interface HecEventProducerConfig {
  readonly place: HecPlace
  /** Empty: the member is left out. */
  readonly cluster: string
}

/** Makes an event for Splunk of what happens to a proxy: `event`, `why`, and the proxy's names as metrics have them. */
export function makeHecEventProducer(
  { place, cluster }: HecEventProducerConfig,
  { outbox }: { readonly outbox: Outbox },
): EventConsumer {
  const envelope = makeHecEnvelope(place)
  return {
    event({ kind, timeMs, proxy, identity, why }) {
      const members = {
        event: kind,
        ...(identity === undefined
          ? {}
          : { mesh: identity.mesh, flavor: identity.flavor, ...proxyOwner(identity) }),
        proxy,
        ...(cluster === "" ? {} : { cluster }),
        ...(why === "" ? {} : { why: why.toWellFormed() }),
      }
      outbox.append("", timeMs, envelope.wrap(timeMs, Buffer.from(JSON.stringify(members))))
    },
  }
}
