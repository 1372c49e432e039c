import type { PageNames, ProxyHint } from "#mesh/proxy.ts"
import { UNKNOWN } from "#mesh/resource.ts"
import type { StatsPage } from "#mesh/stats.ts"

/** Names of one kind above this many are left out: a page is anybody's. */
const MOST_NAMES = 5000
const MOST_CHARACTERS = 1000

export const NO_NAMES: PageNames = { identity: {}, clusters: [], http: [], tcp: [] }

/** What tells owners apart, by how their series begin; Envoy's labels, Istio's, and those of the metrics extension. */
const OWNERS = [
  ["envoy_cluster_", "cluster", ['envoy_cluster_name="', 'cluster_name="']],
  ["envoy_http_", "http", ['http_conn_manager_prefix="']],
  ["envoy_tcp_", "tcp", ['tcp_prefix="']],
  ["envoy_appmesh_", "cluster", ['TargetDiscoveryName="']],
] as const

/** The names on a page in Prometheus' format. Cold: once for each set of series. */
export function pageNames(page: StatsPage): PageNames {
  const owners = { cluster: new Set<string>(), http: new Set<string>(), tcp: new Set<string>() }
  const seen = new Set<string>()
  const identities = new Map<string, ProxyHint>()
  let told: readonly string[] | undefined
  for (let line = 0; line < page.lines; line++) {
    const name = page.name(line)
    if (name.startsWith("istio_requests_total{")) addOwner(owners.cluster, page.key(line)?.owner)
    if (!name.startsWith("envoy_")) continue
    // As a rule all series have the same labels: those that say what the last one said need no second look.
    if (told === undefined || !told.every((label) => name.includes(label))) {
      told = telling(name)
      const identity = told === undefined ? undefined : identityOf(name)
      if (identity !== undefined && identities.size < 2) identities.set(JSON.stringify(identity), identity)
    }
    const [begin, scope, labels] = OWNERS.find(([prefix]) => name.startsWith(prefix)) ?? []
    if (scope === undefined || owners[scope].size >= MOST_NAMES) continue
    // Taken apart once for each owner, not for each of its series.
    const written = `${begin}${labelOf(name, labels)}`
    if (written.length > MOST_CHARACTERS || seen.has(written)) continue
    seen.add(written)
    const owner = page.key(line)?.owner
    if (owner !== undefined) owners[scope].add(owner)
  }
  const [identity = {}] = identities.size === 1 ? identities.values() : []
  return { identity, clusters: sorted(owners.cluster), http: sorted(owners.http), tcp: sorted(owners.tcp) }
}

function addOwner(owners: Set<string>, owner: string | undefined): void {
  if (owner !== undefined && owners.size < MOST_NAMES && owner.length <= MOST_CHARACTERS) owners.add(owner)
}

const sorted = (names: ReadonlySet<string>): readonly string[] => [...names].toSorted()

/** The first of the labels that is there, as it is written; empty where none is. */
function labelOf(printed: string, labels: readonly string[]): string {
  for (const label of labels) {
    const at = printed.indexOf(label)
    if (at < 0) continue
    const start = at + label.length
    const end = printed.indexOf('"', start)
    return end < 0 ? "" : printed.slice(start, end)
  }
  return ""
}

/**
 * Labels that tell whose series it is: App Mesh's stats tags, the metrics extension's, and those of the extension in Service
 * Connect, where `ServiceName` is the proxy's own service on both sides. Sources: App Mesh user guide "Exporting metrics";
 * amazon-ecs-service-connect-agent `agent/stats`.
 */
const TELLING = [
  "appmesh_mesh",
  "appmesh_virtual_node",
  "appmesh_virtual_gateway",
  "Mesh",
  "VirtualNode",
  "VirtualGateway",
  "ServiceName",
] as const
const PLACES: readonly (readonly string[])[] = TELLING.map((label) => [`{${label}="`, `,${label}="`])

/** Those labels of a series, as they are written; undefined where it has none. */
function telling(printed: string): readonly string[] | undefined {
  const found = PLACES.flatMap((places) => {
    const place = places.find((one) => printed.includes(one))
    return place === undefined ? [] : [`${place.slice(1)}${labelOf(printed, [place])}"`]
  })
  return found.length === 0 ? undefined : found
}

function identityOf(printed: string): ProxyHint | undefined {
  const of = (label: (typeof TELLING)[number]): string =>
    labelOf(printed, PLACES[TELLING.indexOf(label)] ?? [])
  const tagged = of("appmesh_mesh")
  const mesh = tagged || of("Mesh")
  if (mesh === "") return serviceConnect(of("ServiceName"))
  const gateway = of(tagged === "" ? "VirtualGateway" : "appmesh_virtual_gateway")
  // Images before 1.15 gave gateways an empty node and no gateway.
  const resource = gateway || of(tagged === "" ? "VirtualNode" : "appmesh_virtual_node")
  if (resource === "") return undefined
  return { flavor: "app-mesh", mesh, role: gateway === "" ? "sidecar" : "gateway", resource }
}

/** The labels do not tell the namespace. */
function serviceConnect(resource: string): ProxyHint | undefined {
  if (resource === "") return undefined
  return { flavor: "service-connect", mesh: UNKNOWN, role: "sidecar", resource }
}
