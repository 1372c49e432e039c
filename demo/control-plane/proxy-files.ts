import { createHash } from "node:crypto"
import type { DeclaredMesh, VirtualGateway, VirtualNode } from "#mesh/declared.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { bootstrap, type IdentityForm } from "./bootstrap.ts"
import {
  type Disturbance,
  egressClusters,
  ingressCluster,
  passThroughClusters,
  selfRedirectCluster,
} from "./clusters.ts"
import { nodeEgress } from "./egress.ts"
import { gatewayEgressHosts } from "./gateway-egress.ts"
import { gatewayHost, routesOn } from "./gateway-routes.ts"
import type { Json, JsonObject } from "./json.ts"
import {
  type FilterContext,
  httpFilter,
  listener,
  onPort,
  originalDestination,
  sayDestination,
  tcpFilter,
  tlsInspector,
} from "./listeners.ts"
import { clusterName, listenerName, routeConfigName, selfRedirectName } from "./names.ts"
import { EGRESS_PORT, INGRESS_PORT, type Placement, type Pod } from "./placement.ts"
import { localHost, routeConfiguration } from "./routes.ts"
import { nodeOf } from "./service.ts"
import { type TracerSettings, tracing } from "./tracing.ts"

export interface ProxyFilesInput {
  readonly mesh: DeclaredMesh
  readonly placement: Placement
  readonly pod: Pod
  /** Absolute folder that the files will lie in; they name each other by it. */
  readonly folder: string
  /** As `ENABLE_ENVOY_STATS_TAGS=1`. Default off, as App Mesh. */
  readonly statsTags?: boolean
  readonly identity?: IdentityForm
  readonly disturbance?: Disturbance
  /** Absent: no tracer, as App Mesh unless told otherwise. */
  readonly tracer?: TracerSettings
}

/** All files of one Envoy, by name: bootstrap.json, cds.json, lds.json, one per route configuration and EDS cluster. */
export function proxyFiles(input: ProxyFilesInput): ReadonlyMap<string, string> {
  const { mesh, pod, folder } = input
  const resources = pod.kind === "virtual_gateway" ? gatewayResources(input) : nodeResources(input)
  const start = bootstrap(mesh, pod, folder, input.statsTags ?? false, input.identity)
  const traced = input.tracer === undefined ? undefined : tracing(mesh, pod, folder, input.tracer)
  const files = new Map<string, string>([
    ...(traced?.files ?? []),
    ["bootstrap.json", text({ ...start, ...traced?.bootstrap })],
    ["cds.json", discoveryResponse(resources.clusters)],
    ["lds.json", discoveryResponse(resources.listeners)],
  ])
  for (const [name, routes] of resources.routeConfigs) files.set(`${name}.json`, discoveryResponse([routes]))
  for (const [file, list] of resources.endpointFiles) files.set(file, discoveryResponse(list))
  return files
}

interface Resources {
  readonly clusters: readonly JsonObject[]
  readonly listeners: readonly JsonObject[]
  readonly routeConfigs: ReadonlyMap<string, JsonObject>
  readonly endpointFiles: ReadonlyMap<string, readonly Json[]>
}

const text = (value: Json): string => `${JSON.stringify(value, null, 1)}\n`

/** The version is the content's hash, so that it moves when the content does and never otherwise. */
function discoveryResponse(resources: readonly Json[]): string {
  const version = createHash("sha1").update(JSON.stringify(resources)).digest("hex")
  return text({ version_info: version, resources })
}

function nodeResources({ mesh, placement, pod, folder, disturbance = {} }: ProxyFilesInput): Resources {
  const node = nodeOf(mesh, pod.resource)
  const context: FilterContext = { folder, accessLog: node.accessLog }
  const egress = nodeEgress(mesh, node, context, disturbance.attemptCount ?? false)
  const out = egressClusters(mesh, placement, egress.services, folder, disturbance)
  const limits = disturbance.breakers?.get(node.name)
  return {
    clusters: [
      ...node.listeners.map((own) => ingressCluster(mesh.name, pod, own, limits)),
      ...out.clusters,
      ...passThroughClusters(mesh),
    ],
    listeners: [...ingressListener(mesh.name, node, pod, context), egressListener(pod, egress)],
    routeConfigs: new Map([...ingressRoutes(mesh.name, node), ...egress.routeConfigs]),
    endpointFiles: out.files,
  }
}

/** None where the node has no listener. */
function ingressListener(
  mesh: string,
  node: VirtualNode,
  pod: Pod,
  context: FilterContext,
): readonly JsonObject[] {
  if (node.listeners.length === 0) return []
  const chains = node.listeners.map(({ protocol, port }) => {
    const prefix = node.listeners.length > 1 ? `ingress.${protocol}.${port}` : "ingress"
    const cluster = clusterName("ingress", mesh, node.name, protocol, port)
    return onPort(
      port,
      protocol === "tcp"
        ? tcpFilter(prefix, { cluster }, context.accessLog)
        : httpFilter(prefix, routeConfigName("ingress", protocol, port), context),
    )
  })
  return [
    listener({
      name: listenerName("ingress", INGRESS_PORT),
      direction: "INBOUND",
      address: pod.address,
      port: INGRESS_PORT,
      redirected: node.listeners.map(({ port }) => port),
      chains,
      filters: [originalDestination, tlsInspector],
    }),
  ]
}

function ingressRoutes(mesh: string, node: VirtualNode): readonly [string, JsonObject][] {
  return node.listeners
    .filter(({ protocol }) => protocol !== "tcp")
    .map(({ protocol, port }) => {
      const name = routeConfigName("ingress", protocol, port)
      const host = localHost(clusterName("ingress", mesh, node.name, protocol, port))
      return [name, routeConfiguration(name, [host])]
    })
}

function egressListener(
  pod: Pod,
  egress: { chains: readonly JsonObject[]; ports: readonly number[] },
): JsonObject {
  return listener({
    name: listenerName("egress", EGRESS_PORT),
    direction: "OUTBOUND",
    address: pod.egressAddress,
    port: EGRESS_PORT,
    redirected: egress.ports,
    chains: egress.chains,
    filters: [originalDestination, sayDestination, tlsInspector],
  })
}

function gatewayOf(mesh: DeclaredMesh, name: string): VirtualGateway {
  const gateway = mesh.virtualGateways.find((known) => known.name === name)
  if (gateway !== undefined) return gateway
  throw new MeshscopeError("MODEL_INVALID", `The mesh declares no virtual gateway ${name}.`)
}

function gatewayResources({ mesh, placement, pod, folder, disturbance = {} }: ProxyFilesInput): Resources {
  const gateway = gatewayOf(mesh, pod.resource)
  const context: FilterContext = { folder, accessLog: gateway.accessLog }
  const egress = gatewayEgressHosts(mesh, gateway, disturbance.attemptCount ?? false)
  const out = egressClusters(mesh, placement, egress.services, folder, disturbance)
  const egressName = routeConfigName("egress", "http", EGRESS_PORT)
  const routeConfigs = new Map([[egressName, routeConfiguration(egressName, egress.hosts)]])
  const clusters = [...out.clusters]
  const listeners: JsonObject[] = []
  for (const own of gateway.listeners) {
    const several = gateway.listeners.length > 1
    const self = selfRedirectName(mesh.name, gateway.name, several ? own.port : undefined)
    const name = routeConfigName("ingress", own.protocol, own.port)
    const prefix = several ? `ingress.${own.protocol}.${own.port}` : "ingress"
    clusters.push(selfRedirectCluster(self, pod))
    routeConfigs.set(name, routeConfiguration(name, [gatewayHost(routesOn(gateway, own), self)]))
    listeners.push(
      listener({
        name: listenerName("ingress", own.port),
        direction: "INBOUND",
        address: pod.address,
        port: own.port,
        redirected: [],
        chains: [onPort(own.port, httpFilter(prefix, name, context))],
        filters: [tlsInspector],
      }),
    )
  }
  listeners.push(
    listener({
      name: listenerName("egress", EGRESS_PORT),
      direction: "OUTBOUND",
      address: pod.egressAddress,
      port: EGRESS_PORT,
      redirected: [],
      chains: [onPort(EGRESS_PORT, httpFilter("egress", egressName, context))],
      filters: [tlsInspector],
    }),
  )
  return { clusters, listeners, routeConfigs, endpointFiles: out.files }
}
