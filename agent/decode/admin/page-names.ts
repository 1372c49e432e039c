import type { PageNames, ProxyHint } from "#mesh/proxy.ts"
import { UNKNOWN } from "#mesh/resource.ts"
import type { StatsPage } from "#mesh/stats.ts"

/** Names of one kind above this many are left out: a page is anybody's. */
const MOST_NAMES = 5000
const MOST_CHARACTERS = 1000

/**
 * Which labels tell whose page it is. App Mesh's stats tags, the metrics extension's, and those of the extension in
 * Service Connect, where `ServiceName` is the proxy's own service on both sides. Sources: App Mesh user guide "Exporting
 * metrics"; amazon-ecs-service-connect-agent `agent/stats`.
 */
const TELLING = ["appmesh_mesh", "Mesh", "ServiceName"] as const
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g

export const NO_NAMES: PageNames = { identity: {}, clusters: [], http: [], tcp: [] }

/** The names on a page in Prometheus' format. Cold: once for each set of series. */
export function pageNames(page: StatsPage): PageNames {
  const owners = { cluster: new Set<string>(), http: new Set<string>(), tcp: new Set<string>() }
  const identities = new Map<string, ProxyHint>()
  for (let line = 0; line < page.lines; line++) {
    const name = page.name(line)
    if (!name.startsWith("envoy_")) continue
    const told = identityOf(name)
    if (told !== undefined && identities.size < 2) identities.set(JSON.stringify(told), told)
    const key = page.key(line)
    if (key?.owner === undefined || key.scope === "listener" || key.scope === "global") continue
    const known = owners[key.scope]
    if (known.size < MOST_NAMES && key.owner.length <= MOST_CHARACTERS) known.add(key.owner)
  }
  const [identity = {}] = identities.size === 1 ? identities.values() : []
  return {
    identity,
    clusters: [...owners.cluster].toSorted(),
    http: [...owners.http].toSorted(),
    tcp: [...owners.tcp].toSorted(),
  }
}

function identityOf(printed: string): ProxyHint | undefined {
  if (!TELLING.some((label) => printed.includes(`${label}="`))) return undefined
  const labels = new Map<string, string>()
  for (const [, label = "", value = ""] of printed.matchAll(LABEL)) labels.set(label, value)
  const of = (label: string): string => labels.get(label) ?? ""
  return (
    appMesh(of("appmesh_mesh"), of("appmesh_virtual_node"), of("appmesh_virtual_gateway")) ??
    appMesh(of("Mesh"), of("VirtualNode"), of("VirtualGateway")) ??
    serviceConnect(of("ServiceName"))
  )
}

function appMesh(mesh: string, node: string, gateway: string): ProxyHint | undefined {
  // Images before 1.15 gave gateways an empty node and no gateway.
  const resource = gateway || node
  if (mesh === "" || resource === "") return undefined
  return { flavor: "app-mesh", mesh, role: gateway === "" ? "sidecar" : "gateway", resource }
}

/** The labels do not tell the namespace. */
function serviceConnect(resource: string): ProxyHint | undefined {
  if (resource === "") return undefined
  return { flavor: "service-connect", mesh: UNKNOWN, role: "sidecar", resource }
}
