/** One admin path that may be asked for. Only the ones in `ADMIN` exist. */
export interface AdminPath {
  readonly text: string
  /** Statuses that are an answer. */
  readonly statuses: readonly number[]
}

const made = new WeakSet<AdminPath>()
function path(text: string, statuses: readonly number[] = [200]): AdminPath {
  const one = Object.freeze({ text, statuses })
  made.add(one)
  return one
}

/**
 * The allow-list. All of these read: a path that changes a proxy cannot be asked for, because `AdminClient` takes these
 * very objects and no texts. Source: Envoy's page "Administration interface"; sizes are measured.
 */
export const ADMIN = {
  /** 100 KB and more, as every extension is listed. At start and on change only. */
  serverInfo: path("/server_info"),
  /** 503 while the proxy starts or drains. */
  ready: path("/ready", [200, 503]),
  clusters: path("/clusters?format=json"),
  certs: path("/certs"),
  listeners: path("/listeners?format=json"),
  /** Raw names, every counter and gauge that was ever touched: the page that is cheapest for the proxy. */
  stats: path("/stats?usedonly"),
  /** Histograms in Envoy's own bins; the other half of `stats`. */
  histograms: path("/stats?format=json&type=Histograms&histogram_buckets=detailed&usedonly"),
  /** Where only this page can be reached (Istio's merged port, Service Connect's socket), or raw names are refused. */
  prometheus: path("/stats/prometheus?usedonly"),
  /** The same by the name that Consul's and hand-made listeners give it. */
  metrics: path("/metrics?usedonly"),
  /** The same without a parameter, for what stands before an Envoy and knows none. */
  prometheusWhole: path("/stats/prometheus"),
  configDump: path("/config_dump"),
  configDumpWithEndpoints: path("/config_dump?include_eds"),
  /** Parts of the dump, without the bootstrap's list of extensions. */
  configDumpRoutes: path("/config_dump?resource=dynamic_route_configs"),
  configDumpClusters: path("/config_dump?resource=dynamic_active_clusters"),
  configDumpListeners: path("/config_dump?resource=dynamic_listeners"),
} as const satisfies Readonly<Record<string, AdminPath>>

/** Whether this is one of the objects above, and not one that looks like it. */
export function isAdminPath(value: AdminPath): boolean {
  return made.has(value)
}
