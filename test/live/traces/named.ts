import { decodeConfigDump } from "../../../agent/decode/config-dump/decode.ts"
import { makeSpanNames, type SpanNames } from "../../../agent/resolve/spans/span-names.ts"
import { spanWays, spanWaysText } from "../../../agent/resolve/spans/way.ts"
import type { ProxyConfig } from "../../../mesh/proxy.ts"
import { makeInterner } from "../../../mesh/request.ts"
import type { TracedMesh } from "./mesh.ts"
import type { Recorder } from "./recorder.ts"

/** Every proxy's configuration as its admin interface tells it, by name. */
export async function configsOf({ fleet }: TracedMesh): Promise<ReadonlyMap<string, ProxyConfig>> {
  const read = fleet.proxies.map(async ({ name, admin }) => {
    const answer = await fetch(`http://${admin}/config_dump?include_eds`)
    return [name, decodeConfigDump(Buffer.from(await answer.arrayBuffer()))] as const
  })
  return new Map(await Promise.all(read))
}

/** What an agent knows that has read all of them. */
export function namesOf({ model }: TracedMesh, configs: ReadonlyMap<string, ProxyConfig>): SpanNames {
  const names = makeSpanNames({ declared: model, interner: makeInterner() })
  for (const [name, config] of configs) names.setProxy(name, config)
  return names
}

/** Which way the spans of each proxy go, each word once, for an agent that listens there. */
export function waysOf(
  configs: ReadonlyMap<string, ProxyConfig>,
  { host, port }: Pick<Recorder, "host" | "port">,
): readonly string[] {
  const at = { host, port }
  const reception = {
    listens: { "xray-udp": at, zipkin: at, otlp: at },
    hosts: new Set<string>(),
    lines: true,
  }
  const sender = { sharesLoopback: true, logsTrace: true }
  return [
    ...new Set([...configs.values()].map((config) => spanWaysText(spanWays(config, reception, sender)))),
  ]
}
