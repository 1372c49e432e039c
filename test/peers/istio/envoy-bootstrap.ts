/** Who an Envoy is to istiod, and where its admin interface listens. */
interface IstioProxy {
  readonly kind: "sidecar" | "router"
  readonly ip: string
  readonly pod: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly adminPort: number
}

/**
 * A stock Envoy that knows nothing but who it is and whom to ask. Nothing redirects connections here, so istiod is told to
 * make listeners on ports that can be called (`INTERCEPTION_MODE: NONE`).
 */
export function istioBootstrap(proxy: IstioProxy, adsPort: number): object {
  const { kind, ip, pod, namespace, labels, adminPort } = proxy
  const ads = { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" }
  return {
    node: {
      id: `${kind}~${ip}~${pod}.${namespace}~${namespace}.svc.cluster.local`,
      cluster: `${labels["app"]}.${namespace}`,
      metadata: {
        INTERCEPTION_MODE: "NONE",
        NAMESPACE: namespace,
        NAME: pod,
        WORKLOAD_NAME: labels["app"],
        MESH_ID: "cluster.local",
        INSTANCE_IPS: ip,
        LABELS: labels,
      },
    },
    admin: { address: socket(ip, adminPort) },
    dynamic_resources: {
      lds_config: ads,
      cds_config: ads,
      ads_config: {
        api_type: "GRPC",
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: "xds-grpc" } }],
      },
    },
    static_resources: { clusters: [controlPlane(adsPort)] },
  }
}

const socket = (address: string, port_value: number): object => ({ socket_address: { address, port_value } })

function controlPlane(port: number): object {
  const http2 = {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    explicit_http_config: { http2_protocol_options: {} },
  }
  return {
    name: "xds-grpc",
    type: "STATIC",
    connect_timeout: "1s",
    typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2 },
    load_assignment: {
      cluster_name: "xds-grpc",
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socket("127.0.0.1", port) } }] }],
    },
  }
}
