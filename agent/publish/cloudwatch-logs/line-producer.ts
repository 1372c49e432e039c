import { logGroupName } from "#mesh/cloudwatch/log-names.ts"
import type { ProxyIdentity } from "#mesh/proxy.ts"
import type { Outbox } from "../contract.ts"
import { type LineProducer, type LineProducerConfig, makeLineProducer } from "../lines/line-producer.ts"
import { MAX_EVENT_BYTES } from "./split.ts"

export interface LogLineProducerConfig extends LineProducerConfig {
  /** Template of the log group, see `logGroupName`. */
  readonly group: string
}

export interface LogLineProducerDeps {
  readonly outbox: Outbox
  /** ms since the epoch, for lines that tell no time. */
  readonly now: () => number
}

/** Names of meshes and nodes come from proxies: one that keeps changing its own must not make groups without end. */
export const MAX_GROUPS = 256
const OVERFLOW = "overflow"

/** Makes a log event of each access line that the filter passes. */
export function makeLogLineProducer(
  config: LogLineProducerConfig,
  { outbox, now }: LogLineProducerDeps,
): LineProducer {
  const groupOf = makeGroups(config)
  return makeLineProducer(config, MAX_EVENT_BYTES, {
    now,
    put: (timeMs, bytes, proxy) => outbox.append(groupOf(proxy), timeMs, bytes),
  })
}

function makeGroups({ group, cluster }: LogLineProducerConfig): (proxy: ProxyIdentity) => string {
  const byProxy = new WeakMap<ProxyIdentity, string>()
  const known = new Set<string>()
  const find = ({ mesh, flavor, role, resource }: ProxyIdentity): string => {
    const own = logGroupName(group, { mesh, flavor, cluster, role, resource })
    if (known.size < MAX_GROUPS) known.add(own)
    if (known.has(own)) return own
    return logGroupName(group, {
      mesh: OVERFLOW,
      flavor: OVERFLOW,
      cluster,
      role: OVERFLOW,
      resource: OVERFLOW,
    })
  }
  // Lines come by the file, so nearly all are of the same proxy as the one before.
  let last: ProxyIdentity | undefined
  let name = ""
  return (proxy) => {
    if (proxy === last) return name
    last = proxy
    name = byProxy.get(proxy) ?? find(proxy)
    byProxy.set(proxy, name)
    return name
  }
}
