import type { DeclaredModel } from "#mesh/declared.ts"
import type { Cluster, ProxyConfig, ProxyIdentity } from "#mesh/proxy.ts"
import type { Interner, Resolver } from "#mesh/request.ts"
import type { ClusterMeaning } from "../dialects/dialect.ts"
import { dialectOf } from "../dialects/dialects.ts"
import { makeResolver } from "../resolver.ts"
import { SPAN_ABILITIES } from "./span-fact.ts"

/** A proxy by its configuration, or by its name alone. */
export interface KnownProxy {
  readonly identity: ProxyIdentity
  /** `node.cluster`: what Zipkin's tracer calls it. */
  readonly nodeCluster: string
  /** What its tracers call it, by its configuration. */
  readonly services: readonly string[]
  meaning(cluster: string): ClusterMeaning
  /** Names its spans; undefined where nothing of its routes is known. */
  resolver(): Resolver | undefined
}

/** The resolver is made when its first span comes: most proxies do not trace. */
export function knownProxy(
  proxy: string,
  config: ProxyConfig,
  deps: { readonly declared: DeclaredModel; readonly interner: Interner },
): KnownProxy {
  const dialect = dialectOf(config, { proxy })
  const identity = dialect.identify(config, { proxy }, deps.declared)
  const clusters = new Map(config.clusters.map((cluster) => [cluster.name, cluster]))
  let resolver: Resolver | undefined
  return {
    identity,
    nodeCluster: config.node.cluster,
    services: (config.tracers ?? []).map(({ service }) => service).filter((service) => service !== ""),
    meaning: (name) => dialect.cluster(clusters.get(name) ?? clusterNamed(name), identity),
    resolver() {
      resolver ??= makeResolver({
        config,
        identity: { proxy },
        ...deps,
        readableLogs: new Set(),
        abilities: SPAN_ABILITIES,
      }).resolver
      return resolver
    },
  }
}

/** A proxy of which nothing but a node id in App Mesh's form is known; undefined for any other text. */
export function proxyByNodeId(nodeId: string): KnownProxy | undefined {
  const config = { ...NOTHING, node: { ...NOTHING.node, id: nodeId } }
  const hint = { proxy: "" }
  const dialect = dialectOf(config, hint)
  return dialect.flavor === "plain" ? undefined : nameAlone(dialect.identify(config, hint), nodeId)
}

/** A proxy of which nothing but its names is known. */
export function nameAlone(identity: ProxyIdentity, nodeCluster = ""): KnownProxy {
  const dialect = dialectOf(NOTHING, { ...identity })
  return {
    identity,
    nodeCluster,
    services: [],
    meaning: (name) => dialect.cluster(clusterNamed(name), identity),
    resolver: () => undefined,
  }
}

const NOTHING: ProxyConfig = {
  node: { id: "", cluster: "", metadata: {}, version: "" },
  listeners: [],
  routeConfigs: [],
  clusters: [],
  versions: {},
  updatedMs: undefined,
}

const clusterNamed = (name: string): Cluster => ({
  name,
  statName: name,
  type: "",
  endpoints: [],
  tags: {},
  circuitBreakers: {},
})
