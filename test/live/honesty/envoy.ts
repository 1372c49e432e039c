import { accessLogs } from "../../../demo/control-plane/access-log.ts"
import { bootstrap } from "../../../demo/control-plane/bootstrap.ts"
import { aggregateStats, type Json, type JsonObject, packed } from "../../../demo/control-plane/json.ts"
import { listener, onPort, passThroughChains, tcpFilter } from "../../../demo/control-plane/listeners.ts"
import { listenerName, routeConfigName } from "../../../demo/control-plane/names.ts"
import { EGRESS_PORT, INGRESS_PORT, type Pod } from "../../../demo/control-plane/placement.ts"
import { localHost, routeConfiguration } from "../../../demo/control-plane/routes.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import { RECOMMENDED_JSON } from "../../../mesh/recommended-format.ts"
import type { AppPlaces } from "./apps.ts"
import type { LabRoute } from "./cause.ts"
import { CAUSES, isTcp } from "./causes.ts"
import { dnsCache, egressName, honestyClusters, INGRESS, tcpName } from "./clusters.ts"
import {
  forwardFilter,
  healthCheckFilter,
  lateFilter,
  NO_AUTHORIZATION,
  ROUTE_FILTERS,
  ROUTER_FILTER,
} from "./filters.ts"
import { HEALTH_PATH, HTTP_PORT, LATE_PORT, LATE_SERVICE, LOST_PORT, LOST_SERVICE, SERVICE } from "./names.ts"

export interface EnvoyFilesInput {
  readonly pod: Pod
  /** Absolute; the files name each other by it. */
  readonly folder: string
  readonly places: AppPlaces
  readonly declared: string
}

const LOG = accessLogs({ path: "/dev/stdout", json: RECOMMENDED_JSON })
const DECLARED_LOG = { path: "/dev/stdout", json: RECOMMENDED_JSON } as const
/** Read by the overload manager. */
export const PRESSURE_FILE = "pressure"

/** All files of the one Envoy, written as App Mesh's control plane wrote them as far as it could. */
export function envoyFiles(input: EnvoyFilesInput): ReadonlyMap<string, string> {
  const { folder, pod, places } = input
  const files = new Map<string, string>([
    [PRESSURE_FILE, "0"],
    ["empty.json", resources([])],
    ["bootstrap.json", JSON.stringify(start(input))],
    ["cds.json", resources(honestyClusters(places))],
    ["lds.json", resources(listeners(pod, folder, places))],
  ])
  const hosts: readonly [string, JsonObject][] = [
    [routeConfigName("egress", "http", HTTP_PORT), shop()],
    [routeConfigName("egress", "http", LATE_PORT), single(LATE_SERVICE, LATE_PORT, "late")],
    [routeConfigName("egress", "http", LOST_PORT), single(LOST_SERVICE, LOST_PORT, "lost")],
    [routeConfigName("ingress", "http", HTTP_PORT), localHost(INGRESS)],
  ]
  for (const [name, host] of hosts) files.set(`${name}.json`, resources([routeConfiguration(name, [host])]))
  return files
}

const resources = (list: readonly Json[]): string => JSON.stringify({ version_info: "1", resources: list })

function start({ pod, folder, declared }: EnvoyFilesInput): JsonObject {
  const [mesh] = parseKubernetesObjects(declared, "honesty").model.meshes
  if (mesh === undefined) throw new Error("no mesh is declared")
  const resource = "envoy.resource_monitors.injected_resource"
  const type = "envoy.extensions.resource_monitors.injected_resource.v3.InjectedResourceConfig"
  return {
    ...bootstrap(mesh, pod, folder, false),
    overload_manager: {
      refresh_interval: "0.05s",
      resource_monitors: [
        { name: resource, typed_config: packed(type, { filename: `${folder}/${PRESSURE_FILE}` }) },
      ],
      actions: [
        {
          name: "envoy.overload_actions.stop_accepting_requests",
          triggers: [{ name: resource, threshold: { value: 0.9 } }],
        },
      ],
    },
  }
}

/** The virtual host of all declared routes; none has a name. */
function shop(): JsonObject {
  const routes = CAUSES.flatMap((cause) =>
    isTcp(cause) || cause.route === undefined ? [] : [envoyRoute(cause.route)],
  )
  return { ...host(SERVICE, HTTP_PORT), include_request_attempt_count: true, routes }
}

const host = (name: string, port: number): JsonObject => ({ name, domains: [name, `${name}:${port}`] })

function envoyRoute({ name, node, action = {}, more = {}, filters = {} }: LabRoute): JsonObject {
  const answersItself = "direct_response" in more || "redirect" in more
  return {
    match: { prefix: `/${name}/` },
    ...(answersItself ? {} : { route: { cluster: egressName(node), timeout: "15s", ...action } }),
    ...more,
    typed_per_filter_config: { ...NO_AUTHORIZATION, ...filters },
    metadata: aggregateStats({ TargetVirtualService: SERVICE }),
  }
}

function single(service: string, port: number, node: string): JsonObject {
  return {
    ...host(service, port),
    routes: [{ match: { prefix: "/" }, route: { cluster: egressName(node, port) } }],
  }
}

function listeners(pod: Pod, folder: string, places: AppPlaces): readonly JsonObject[] {
  const connections = CAUSES.filter(isTcp).map(({ tcp }) => tcp)
  const tcp = connections.filter((one) => one.chainless !== true)
  const ports = [HTTP_PORT, LATE_PORT, LOST_PORT, ...tcp.map(({ port }) => port)]
  const chains = [
    onPort(HTTP_PORT, manager("egress", HTTP_PORT, ROUTE_FILTERS, folder)),
    onPort(LATE_PORT, manager("egress", LATE_PORT, [lateFilter(`${folder}/empty.json`)], folder)),
    onPort(LOST_PORT, manager("egress", LOST_PORT, [forwardFilter(dnsCache(places))], folder)),
    ...tcp.map(({ node, port, more = {} }) =>
      onPort(port, tcpFilter("egress", { cluster: tcpName(node, port), ...more }, DECLARED_LOG)),
    ),
    ...passThroughChains("lab", false, DECLARED_LOG),
  ]
  const inward = onPort(HTTP_PORT, manager("ingress", HTTP_PORT, [healthCheckFilter(HEALTH_PATH)], folder))
  return [
    listener({
      name: listenerName("ingress", INGRESS_PORT),
      direction: "INBOUND",
      address: pod.address,
      port: INGRESS_PORT,
      redirected: [HTTP_PORT],
      chains: [inward],
      filters: [],
    }),
    listener({
      name: listenerName("egress", EGRESS_PORT),
      direction: "OUTBOUND",
      address: pod.egressAddress,
      port: EGRESS_PORT,
      redirected: ports,
      chains,
      filters: [],
    }),
    ...connections.filter((one) => one.chainless === true).map(({ port }) => withoutChain(pod, port)),
  ]
}

/** Beside App Mesh's own listeners: one whose only chain is for another port, with a log of its own. */
function withoutChain(pod: Pod, port: number): JsonObject {
  const chains = [onPort(1, tcpFilter("egress", { cluster: tcpName("tcp-fine", 9100) }, DECLARED_LOG))]
  const shape = {
    name: listenerName("egress", port),
    direction: "OUTBOUND",
    address: pod.egressAddress,
    port,
    redirected: [],
    chains,
    filters: [],
  } as const
  return { ...listener(shape), access_log: LOG }
}

function manager(
  direction: "egress" | "ingress",
  port: number,
  filters: readonly JsonObject[],
  folder: string,
): JsonObject {
  const name = routeConfigName(direction, "http", port)
  const config_source = { resource_api_version: "V3", path_config_source: { path: `${folder}/${name}.json` } }
  const type = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: packed(type, {
      stat_prefix: direction,
      rds: { config_source, route_config_name: name },
      http_filters: [...filters, ROUTER_FILTER],
      access_log: LOG,
      normalize_path: true,
      merge_slashes: true,
    }),
  }
}
