import { aggregateStats, type JsonObject, packed, socketAddress } from "../../../demo/control-plane/json.ts"
import { clusterName } from "../../../demo/control-plane/names.ts"
import { type AppPlaces, DNS_PORT, TCP_PORT } from "./apps.ts"
import { CALLER, HTTP_PORT, LATE_PORT, LOST_PORT, MESH } from "./names.ts"

export const egressName = (node: string, port = HTTP_PORT): string =>
  clusterName("egress", MESH, node, "http", port)
export const tcpName = (node: string, port: number): string => clusterName("egress", MESH, node, "tcp", port)
export const INGRESS = clusterName("ingress", MESH, CALLER, "http", HTTP_PORT)
/** Nobody listens there. */
const CLOSED = 1

type Place = readonly [host: string, port: number]

function cluster(
  name: string,
  place: Place | undefined,
  more: JsonObject = {},
  policy: JsonObject = {},
): JsonObject {
  const endpoints =
    place === undefined ? [] : [{ lb_endpoints: [{ endpoint: { address: socketAddress(...place) } }] }]
  return packed("envoy.config.cluster.v3.Cluster", {
    name,
    type: "STATIC",
    connect_timeout: "0.5s",
    metadata: aggregateStats({}),
    load_assignment: { cluster_name: name, endpoints, ...policy },
    ...more,
  })
}

const PROTOCOL = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
const overHttp2: JsonObject = {
  typed_extension_protocol_options: {
    [PROTOCOL]: packed(PROTOCOL, { explicit_http_config: { http2_protocol_options: {} } }),
  },
}
const dropping = (parts: number): JsonObject => ({
  policy: {
    drop_overloads: [{ category: "lab", drop_percentage: { numerator: parts, denominator: "MILLION" } }],
  },
})
const checked: JsonObject = {
  health_checks: [
    {
      timeout: "0.2s",
      interval: "0.2s",
      no_traffic_interval: "0.2s",
      unhealthy_threshold: 1,
      healthy_threshold: 1,
      http_health_check: { path: "/" },
    },
  ],
  common_lb_config: { healthy_panic_threshold: { value: 0 } },
}
const tight: JsonObject = {
  circuit_breakers: { thresholds: [{ max_connections: 1, max_pending_requests: 1, max_requests: 1 }] },
}

/** Names are looked up at the lab's own name server alone. */
export function dnsCache(places: AppPlaces): JsonObject {
  return {
    name: "lost",
    dns_lookup_family: "V4_ONLY",
    dns_query_timeout: "1s",
    typed_dns_resolver_config: {
      name: "envoy.network.dns_resolver.cares",
      typed_config: packed("envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig", {
        resolvers: [socketAddress(places.dns, DNS_PORT)],
        dns_resolver_options: { no_default_search_domain: true },
      }),
    },
  }
}

/** One cluster per way to fail, each called as App Mesh called the cluster of a virtual node. */
export function honestyClusters(places: AppPlaces): readonly JsonObject[] {
  const app: Place = [places.app, HTTP_PORT]
  const closed: Place = [places.app, CLOSED]
  return [
    cluster(INGRESS, app),
    cluster(egressName("app"), app),
    cluster(egressName("late", LATE_PORT), app),
    cluster(egressName("empty"), undefined),
    cluster(egressName("sick"), closed, checked),
    cluster(egressName("refused"), closed),
    cluster(egressName("tight"), app, tight),
    cluster(egressName("drop-some"), app, {}, dropping(999_999)),
    cluster(egressName("drop-all"), app, {}, dropping(1_000_000)),
    cluster(egressName("garbage"), [places.garbage, HTTP_PORT]),
    cluster(egressName("http2"), [places.http2, HTTP_PORT], overHttp2),
    cluster(tcpName("tcp-fine", 9100), [places.tcp, TCP_PORT]),
    cluster(tcpName("tcp-refused", 9101), closed),
    cluster(tcpName("tcp-empty", 9102), undefined),
    cluster(tcpName("tcp-long", 9103), [places.tcp, TCP_PORT]),
    cluster("authz", closed, overHttp2),
    lost(places),
  ]
}

function lost(places: AppPlaces): JsonObject {
  const type = "envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig"
  return packed("envoy.config.cluster.v3.Cluster", {
    name: egressName("lost", LOST_PORT),
    lb_policy: "CLUSTER_PROVIDED",
    connect_timeout: "0.5s",
    cluster_type: {
      name: "envoy.clusters.dynamic_forward_proxy",
      typed_config: packed(type, { dns_cache_config: dnsCache(places) }),
    },
  })
}
