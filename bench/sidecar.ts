import type { DeclaredMesh, Route, RouteMatch, VirtualNode } from "#mesh/declared.ts"
import type { AccessLogSink, Cluster, EnvoyRoute, HttpFilter, Listener, ProxyConfig } from "#mesh/proxy.ts"
import { RECOMMENDED_JSON } from "#mesh/recommended-format.ts"
import { clusterName, INGRESS_CLUSTER, MESH, nodeName, OWN_NODE, SERVICES, serviceName } from "./requests.ts"

/** Routes of every service, in Envoy's order. With eight services 24 of them. */
export const ROUTES = [
  { name: "orders", prefix: "/api/v1/orders" },
  { name: "users", prefix: "/api/v2/users/" },
  { name: "rest", prefix: "/" },
] as const

const PORT = 8080
const LOG: AccessLogSink = { path: "/dev/stdout", format: { kind: "json", fields: RECOMMENDED_JSON } }
const services = Array.from({ length: SERVICES }, (_, index) => index)

export const routerName = (service: number): string => `svc-${service}-router`
export const routeName = (service: number, route: string): string => `svc-${service}-${route}`

/** The sidecar that `makeRequests` is of, as the agent reads it from its dump. */
export function sidecarConfig(): ProxyConfig {
  return {
    node: {
      id: `mesh/${MESH}/virtualNode/${OWN_NODE}`,
      cluster: `mesh/${MESH}/virtualNode/${OWN_NODE}`,
      metadata: { "aws.appmesh.task.interfaces": { ipv4: { eth0: ["10.1.2.3/32"], lo: ["127.0.0.1/8"] } } },
      version: "1.40.0",
    },
    listeners: [listener("inbound", 15_000, "ingress"), listener("outbound", 15_001, "egress")],
    routeConfigs: [
      {
        name: "rds_ingress_http_8080",
        virtualHosts: [{ name: "local", domains: ["*"], routes: [routeTo(INGRESS_CLUSTER, "/")] }],
      },
      {
        name: "rds_egress_http_8080",
        virtualHosts: services.map((service) => ({
          name: serviceName(service),
          domains: [serviceName(service), `${serviceName(service)}:${PORT}`],
          routes: ROUTES.map(({ prefix }) => routeTo(clusterName(service), prefix)),
        })),
      },
    ],
    clusters: [
      { ...cluster(INGRESS_CLUSTER), endpoints: [{ host: "127.0.0.1", port: PORT }] },
      ...services.map((service) => cluster(clusterName(service))),
    ],
    versions: {},
    updatedMs: undefined,
  }
}

function listener(direction: "inbound" | "outbound", port: number, side: string): Listener {
  const filter: HttpFilter = {
    kind: "http",
    statPrefix: side,
    routeConfig: `rds_${side}_http_8080`,
    accessLogs: [LOG],
    normalizePath: true,
    mergeSlashes: true,
  }
  return {
    name: `lds_${side}_0.0.0.0_${port}`,
    statPrefix: `0.0.0.0_${port}`,
    direction,
    addresses: [{ host: "0.0.0.0", port }],
    chains: [{ name: "", destinationPort: PORT, serverNames: [], filter }],
    accessLogs: [],
  }
}

function cluster(name: string): Cluster {
  return { name, statName: name, type: "STATIC", endpoints: [], tags: {}, circuitBreakers: {} }
}

function routeTo(name: string, prefix: string): EnvoyRoute {
  return {
    name: "",
    match: {
      kind: "prefix",
      value: prefix,
      caseSensitive: true,
      headers: [],
      query: [],
      grpc: false,
      fractional: false,
    },
    action: { kind: "route", clusters: [{ name, weight: 1 }], retries: 0 },
    requestHeadersToAdd: [],
    tags: {},
  }
}

/** The mesh as it was declared: Envoy's routes have no names, these do. */
export function declaredMesh(): DeclaredMesh {
  const port = { port: PORT, protocol: "http" } as const
  const node = (name: string, backends: readonly string[]): VirtualNode => ({
    name,
    listeners: [port],
    backends,
  })
  return {
    name: MESH,
    flavor: "app-mesh",
    egress: "DROP_ALL",
    virtualNodes: [
      node(OWN_NODE, services.map(serviceName)),
      ...services.map((service) => node(nodeName(service), [])),
    ],
    virtualServices: services.map((service) => ({
      name: serviceName(service),
      provider: { kind: "virtual_router", name: routerName(service) },
    })),
    virtualRouters: services.map((service) => ({
      name: routerName(service),
      listeners: [port],
      routes: ROUTES.map(({ name, prefix }) => declaredRoute(service, name, { path: { prefix } })),
    })),
    virtualGateways: [],
  }
}

function declaredRoute(service: number, name: string, match: RouteMatch): Route {
  return {
    name: routeName(service, name),
    protocol: "http",
    match,
    targets: [{ virtualNode: nodeName(service), weight: 1 }],
  }
}
