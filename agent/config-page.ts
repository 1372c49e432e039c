import { MeshscopeError } from "#mesh/errors.ts"
import type { ProxyConfig } from "#mesh/proxy.ts"
import type { AdminPages } from "./admin-pages.ts"
import { ADMIN } from "./collect/admin/path.ts"
import { decodeServerInfo } from "./decode/admin/server-info.ts"
import { decodeConfigDump } from "./decode/config-dump/decode.ts"

/** What an Envoy runs by, as far as it may be read; undefined when it did not answer. */
export function askConfig(pages: AdminPages): Promise<ProxyConfig | undefined> {
  return pages.ask("config_dump", ADMIN.configDumpWithEndpoints, ({ body }) =>
    ofSomeone(decodeConfigDump(body)),
  )
}

/** Where nobody may read the dump: who the Envoy is, and nothing else. */
export async function askNode(pages: AdminPages): Promise<ProxyConfig | undefined> {
  if (pages.problems.get("config_dump")?.code !== "ADMIN_REFUSED") return undefined
  const info = await pages.ask("server_info", ADMIN.serverInfo, ({ body }) => decodeServerInfo(body))
  return info === undefined || info.nodeId === "" ? undefined : bareConfig(info.nodeId, info.version)
}

/** Every Envoy tells its node, if only its version: a dump without is something else, and would be named after nothing. */
function ofSomeone(config: ProxyConfig): ProxyConfig {
  const { id, version } = config.node
  if (id !== "" || version !== "") return config
  throw new MeshscopeError("ADMIN_BAD_ANSWER", "The config dump does not tell whose it is.")
}

function bareConfig(nodeId: string, version: string): ProxyConfig {
  return {
    node: { id: nodeId, cluster: nodeId, metadata: {}, version },
    listeners: [],
    routeConfigs: [],
    clusters: [],
    versions: {},
    updatedMs: undefined,
  }
}
