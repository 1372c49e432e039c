import type { AppProtocol, DeclaredMesh, NodeListener } from "#mesh/declared.ts"
import { aggregateStats, type Json, type JsonObject, packed, socketAddress } from "./json.ts"
import { allowAllName, awsName, clusterName } from "./names.ts"
import { EGRESS_PORT, type Placement, type Pod } from "./placement.ts"
import { nodeOf, type ReachableService } from "./service.ts"

/** Limits below App Mesh's own (which are out of the way), as a connection pool of the node would set them. */
export interface BreakerLimits {
  readonly maxConnections?: number
  readonly maxPendingRequests?: number
  readonly maxRequests?: number
}

/** What the demo's faults change in a proxy's configuration. */
export interface Disturbance {
  /** Virtual nodes that have no endpoint. */
  readonly withoutEndpoints?: ReadonlySet<string>
  /** By virtual node: limits of the connections to its own application. */
  readonly breakers?: ReadonlyMap<string, BreakerLimits>
  /** Adds `x-envoy-attempt-count` to forwarded requests, so that the truth knows attempts that no application saw. */
  readonly attemptCount?: boolean
}

const OUT_OF_THE_WAY = 2_147_483_647

function breakers(limits: BreakerLimits = {}): JsonObject {
  return {
    thresholds: [
      {
        max_connections: limits.maxConnections ?? OUT_OF_THE_WAY,
        max_pending_requests: limits.maxPendingRequests ?? OUT_OF_THE_WAY,
        max_requests: limits.maxRequests ?? OUT_OF_THE_WAY,
        max_retries: OUT_OF_THE_WAY,
      },
    ],
  }
}

const http2: JsonObject = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": packed(
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      { explicit_http_config: { http2_protocol_options: {} } },
    ),
  },
}
const protocolOptions = (protocol: AppProtocol): JsonObject =>
  protocol === "grpc" || protocol === "http2" ? http2 : {}

const cluster = (fields: JsonObject): JsonObject => packed("envoy.config.cluster.v3.Cluster", fields)

function endpoints(name: string, addresses: readonly string[], port: number): JsonObject {
  const list = addresses.map((address) => ({ endpoint: { address: socketAddress(address, port) } }))
  return { cluster_name: name, endpoints: [{ lb_endpoints: list }] }
}

/** The way to the pod's own application. */
export function ingressCluster(
  mesh: string,
  pod: Pod,
  { protocol, port }: NodeListener,
  limits: BreakerLimits | undefined,
): JsonObject {
  const name = clusterName("ingress", mesh, pod.resource, protocol, port)
  return cluster({
    name,
    type: "STATIC",
    connect_timeout: "1s",
    circuit_breakers: breakers(limits),
    metadata: aggregateStats({}),
    ...protocolOptions(protocol),
    load_assignment: endpoints(name, [pod.appAddress], port),
  })
}

/** A gateway's way to its own egress listener. */
export function selfRedirectCluster(name: string, pod: Pod): JsonObject {
  return cluster({
    name,
    type: "STATIC",
    connect_timeout: "0.250s",
    load_assignment: endpoints(name, [pod.egressAddress], EGRESS_PORT),
  })
}

/** One cluster per target listener that the services lead to, each once. EDS files come beside it. */
export function egressClusters(
  mesh: DeclaredMesh,
  placement: Placement,
  services: readonly ReachableService[],
  folder: string,
  disturbance: Disturbance,
): { readonly clusters: readonly JsonObject[]; readonly files: ReadonlyMap<string, readonly Json[]> } {
  const clusters = new Map<string, JsonObject>()
  const files = new Map<string, readonly Json[]>()
  for (const { node, listener } of services.flatMap((service) =>
    service.routes.flatMap((route) => route.targets),
  )) {
    const name = clusterName("egress", mesh.name, node, listener.protocol, listener.port)
    const empty = disturbance.withoutEndpoints?.has(node) === true
    const hosts = empty ? [] : placement.pods.filter((pod) => isNode(pod, node)).map((pod) => pod.address)
    const byEds = nodeOf(mesh, node).discovery?.type === "cloudmap"
    const file = `eds_${name}.json`
    clusters.set(name, {
      ...egressCluster(name, node, listener.protocol),
      ...(byEds ? edsSource(`${folder}/${file}`) : dnsSource(name, hosts, listener.port)),
    })
    if (byEds) {
      const assignment = endpoints(name, hosts, listener.port)
      files.set(file, [packed("envoy.config.endpoint.v3.ClusterLoadAssignment", assignment)])
    }
  }
  return { clusters: [...clusters.values()], files }
}

const isNode = (pod: Pod, node: string): boolean => pod.kind === "virtual_node" && pod.resource === node

function egressCluster(name: string, node: string, protocol: AppProtocol): JsonObject {
  return cluster({
    name,
    connect_timeout: "1s",
    circuit_breakers: breakers(),
    metadata: aggregateStats({ TargetVirtualNode: node }),
    ...protocolOptions(protocol),
  })
}

/** App Mesh's DNS default is LOGICAL_DNS, which holds one host; replicas are listed as with response type ENDPOINTS. */
function dnsSource(name: string, hosts: readonly string[], port: number): JsonObject {
  return {
    type: hosts.length === 1 ? "LOGICAL_DNS" : "STRICT_DNS",
    load_assignment: endpoints(name, hosts, port),
  }
}

function edsSource(path: string): JsonObject {
  return {
    type: "EDS",
    eds_cluster_config: {
      eds_config: { resource_api_version: "V3", path_config_source: { path } },
    },
  }
}

/** Where calls go that no backend covers: AWS itself always, all hosts when the mesh allows them. */
export function passThroughClusters(mesh: DeclaredMesh): readonly JsonObject[] {
  const names =
    mesh.egress === "ALLOW_ALL" ? [awsName(mesh.name), allowAllName(mesh.name)] : [awsName(mesh.name)]
  return names.map((name) =>
    cluster({
      name,
      type: "ORIGINAL_DST",
      lb_policy: "CLUSTER_PROVIDED",
      connect_timeout: "1s",
      circuit_breakers: breakers(),
    }),
  )
}
