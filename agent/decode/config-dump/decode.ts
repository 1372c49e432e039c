import { MeshscopeError } from "#mesh/errors.ts"
import { isObject } from "#mesh/json-object.ts"
import type { ProxyConfig, RouteConfig, SocketAddress } from "#mesh/proxy.ts"
import { endpointsOf } from "./addresses.ts"
import { clusterOf } from "./clusters.ts"
import { deep, field, list, someText, text, typeName } from "./json.ts"
import { type ListenerSinks, listenerOf } from "./listeners.ts"
import { nodeOf } from "./node.ts"
import { Notes } from "./notes.ts"
import { routeConfigOf } from "./routes.ts"
import { statsRulesOf } from "./stats-rules.ts"
import { tracersOf } from "./tracers.ts"

/** Above this a page is no configuration: 2,000 routes and 500 clusters make 6 MB. */
const MAX_BYTES = 128 * 1024 * 1024

/**
 * Reduces `/config_dump` to what resolving needs, in Envoy's own order. Sections and filters that it does not know are
 * passed over and noted; a part that is not as expected reads as absent.
 * @throws MeshscopeError ADMIN_TOO_LARGE, ADMIN_BAD_ANSWER (not a JSON object with `configs`)
 */
export function decodeConfigDump(bytes: Buffer): ProxyConfig {
  const sections = sectionsOf(bytes)
  const notes = new Notes()
  const of = (type: string): unknown => sections.find((section) => typeName(section) === type)
  const bootstrap = field(of("BootstrapConfigDump"), "bootstrap")
  const sinks: ListenerSinks = { inlineRoutes: [], tracing: [], notes }
  const known = new Map<string, readonly SocketAddress[]>()
  const endpoints = of("EndpointsConfigDump")
  for (const one of elements(endpoints, "endpoint_configs", "endpoint_config")) {
    known.set(text(field(one.resource, "cluster_name")), endpointsOf(one.resource))
  }
  const listeners = elements(of("ListenersConfigDump"), "listeners", "listener")
  const clusters = clusterElements(of("ClustersConfigDump"))
  const routes = elements(of("RoutesConfigDump"), "route_configs", "route_config")
  noteUnknown(sections, notes)
  const readListeners = listeners.map(({ resource }) => listenerOf(resource, sinks))
  const readClusters = clusters.map(({ resource }) => clusterOf(resource, known))
  return {
    node: nodeOf(field(bootstrap, "node")),
    listeners: readListeners,
    routeConfigs: routeConfigsOf(routes, sinks),
    clusters: readClusters,
    ...statsOf(bootstrap),
    tracers: tracersOf(bootstrap, sinks.tracing, readClusters),
    versions: versionsOf(sections, routes),
    updatedMs: newest([
      ...listeners,
      ...clusters,
      ...routes,
      ...sections.map((section) => asElement(section)),
    ]),
    notes: notes.list(),
  }
}

function statsOf(bootstrap: unknown): Pick<ProxyConfig, "stats"> {
  const stats = statsRulesOf(bootstrap)
  return stats === undefined ? {} : { stats }
}

function sectionsOf(bytes: Buffer): readonly unknown[] {
  if (bytes.length > MAX_BYTES) {
    throw new MeshscopeError(
      "ADMIN_TOO_LARGE",
      `The config dump has ${bytes.length} bytes, more than ${MAX_BYTES}.`,
    )
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(bytes.toString("utf8"))
  } catch (cause) {
    throw new MeshscopeError("ADMIN_BAD_ANSWER", "The config dump is not JSON.", { cause, retryable: true })
  }
  const sections = field(parsed, "configs")
  if (!Array.isArray(sections))
    throw new MeshscopeError("ADMIN_BAD_ANSWER", "The config dump has no list `configs`.")
  return sections
}

/** One element of a section, wherever its resource stood. */
interface Element {
  readonly resource: unknown
  readonly version: string
  readonly updated: string
}

function asElement(holder: unknown, resource?: unknown): Element {
  return {
    resource,
    version: text(field(holder, "version_info")),
    updated: text(field(holder, "last_updated")),
  }
}

/**
 * `static_<many>[].<one>`, `dynamic_<many>[].<one>` and, for listeners, `dynamic_listeners[].active_state.listener`
 * (before 2020: `dynamic_active_listeners[].listener`). A listener that is only warming is in force nowhere yet, but it
 * is all there is: it is taken.
 */
function elements(section: unknown, many: string, one: string): Element[] {
  const found: Element[] = []
  for (const kind of ["static_", "dynamic_", "dynamic_active_"]) {
    for (const holder of list(field(section, kind + many))) {
      const state = field(holder, "active_state") ?? field(holder, "warming_state") ?? holder
      const resource = field(state, one)
      if (isObject(resource)) found.push(asElement(state, resource))
    }
  }
  return found
}

function clusterElements(section: unknown): Element[] {
  const found: Element[] = []
  const names = new Set<string>()
  for (const key of ["static_clusters", "dynamic_active_clusters", "dynamic_warming_clusters"]) {
    for (const holder of list(field(section, key))) {
      const resource = field(holder, "cluster")
      const name = text(field(resource, "name"))
      // The active form of a cluster wins over the one that still warms.
      if (!isObject(resource) || names.has(name)) continue
      names.add(name)
      found.push(asElement(holder, resource))
    }
  }
  return found
}

/** Inline configurations stand in the listener and, in a dump, once more among the static ones: the listener's win. */
function routeConfigsOf(routes: readonly Element[], sinks: ListenerSinks): RouteConfig[] {
  const configs = routes.map(({ resource }) => routeConfigOf(resource, text(field(resource, "name"))))
  return [...sinks.inlineRoutes, ...configs]
}

function versionsOf(
  sections: readonly unknown[],
  routes: readonly Element[],
): Readonly<Record<string, string>> {
  const pairs: [string, string][] = []
  for (const [type, key] of [
    ["ClustersConfigDump", "cds"],
    ["ListenersConfigDump", "lds"],
  ] as const) {
    const version = someText(
      field(
        sections.find((section) => typeName(section) === type),
        "version_info",
      ),
    )
    if (version !== undefined) pairs.push([key, version])
  }
  for (const { resource, version } of routes) {
    if (version !== "") pairs.push([`rds/${text(field(resource, "name"))}`, version])
  }
  return Object.fromEntries(pairs)
}

function newest(held: readonly Element[]): number | undefined {
  let last: number | undefined
  for (const { updated } of held) {
    const ms = updated === "" ? Number.NaN : Date.parse(updated)
    if (Number.isFinite(ms) && (last === undefined || ms > last)) last = ms
  }
  return last
}

const KNOWN = new Set([
  "BootstrapConfigDump",
  "ClustersConfigDump",
  "EndpointsConfigDump",
  "ListenersConfigDump",
  "RoutesConfigDump",
  // Nothing in these names a request.
  "ScopedRoutesConfigDump",
  "SecretsConfigDump",
  "EcdsConfigDump",
])

function noteUnknown(sections: readonly unknown[], notes: Notes): void {
  for (const section of sections) {
    const type = typeName(section)
    if (!KNOWN.has(type)) notes.add(`section ${type || "without a type"} passed over`)
  }
  const scoped = sections.find((section) => typeName(section) === "ScopedRoutesConfigDump")
  if (list(deep(scoped, "dynamic_scoped_route_configs")).length > 0) {
    notes.add("scoped routes are not read: requests on them are unmatched")
  }
}
