import { readArn } from "#mesh/declare/names.ts"
import type { AppProtocol } from "#mesh/declared.ts"
import type {
  Cluster,
  Direction,
  EnvoyRoute,
  Listener,
  ProxyConfig,
  ProxyIdentity,
  VirtualHost,
} from "#mesh/proxy.ts"
import { UNDECLARED } from "#mesh/resource.ts"
import type { ClusterMeaning, Dialect, IdentityHint } from "./dialect.ts"

/** The header by which a virtual service travels where the gateway route keeps the caller's host. */
export const SERVICE_HEADER = "x-app-mesh-virtual-service"

/**
 * AWS App Mesh. Names come from the tags that its control plane stamped on clusters and routes, else from the names'
 * own grammar with the mesh known from the node id (mesh and node names may hold `_`, so without the mesh a cluster
 * name can be cut in more than one place).
 */
export const appMesh: Dialect = {
  flavor: "app-mesh",
  claims: (config, hint) =>
    hint.flavor === "app-mesh" ||
    readNodeId(config.node.id) !== undefined ||
    config.clusters.some(({ name }) => /^cds_(?:ingress|egress)_/.test(name)),
  identify,
  cluster,
  direction,
  // Every declared backend has a chain that asks for its port alone.
  chainless: (listener) => (direction(listener) === "outbound" ? UNDECLARED : ""),
  service,
  gatewayService,
  prefixes: { inbound: "ingress", outbound: "egress" },
}

interface NodeId {
  readonly mesh: string
  readonly role: ProxyIdentity["role"]
  readonly name: string
}

/** `mesh/<m>[@owner]/virtualNode/<n>` or the full ARN; the same for `virtualGateway`. */
function readNodeId(id: string): NodeId | undefined {
  const arn = readArn(id)
  if (arn === undefined) return undefined
  if (arn.kind === "virtualNode") return { mesh: arn.mesh, role: "sidecar", name: arn.name }
  if (arn.kind === "virtualGateway") return { mesh: arn.mesh, role: "gateway", name: arn.name }
  return undefined
}

function identify(config: ProxyConfig, hint: IdentityHint): ProxyIdentity {
  const nodeId = config.node.id || (hint.nodeId ?? "")
  const read = readNodeId(nodeId)
  return {
    proxy: hint.proxy,
    nodeId,
    flavor: "app-mesh",
    mesh: read?.mesh ?? bareMesh(hint.mesh ?? ""),
    role: read?.role ?? hint.role ?? roleByClusters(config),
    resource: read?.name ?? (hint.resource || hint.proxy),
  }
}

function bareMesh(mesh: string): string {
  return mesh.split("@")[0] ?? mesh
}

function roleByClusters(config: ProxyConfig): ProxyIdentity["role"] {
  return config.clusters.some(({ name }) => SELF_REDIRECT.test(name)) ? "gateway" : "sidecar"
}

const SELF_REDIRECT = /_self_redirect(?:_\d+)?_(?:http2?|grpc|tcp)_\d+$/
/** What follows the node's name; neither part holds `_`, so with the mesh known the cut is certain. */
const TAIL = /^(.+)_(http2|http|grpc|tcp)_(\d+)$/
const PROTOCOLS: ReadonlyMap<string, AppProtocol> = new Map([
  ["http", "http"],
  ["http2", "http2"],
  ["grpc", "grpc"],
  ["tcp", "tcp"],
])

function cluster({ name, tags }: Cluster, identity: ProxyIdentity): ClusterMeaning {
  const way = /^cds_(ingress|egress)_/.exec(name)?.[1]
  const tagged = tags["TargetVirtualNode"]
  if (way === undefined) return tagged === undefined ? { kind: "infrastructure" } : nodeOf(tagged, "outbound")
  // The special names first: the grammar would read some of them as a node.
  if (way === "egress" && name.endsWith("_amazonaws")) return { kind: "aws" }
  if (way === "egress" && name.endsWith("_mesh-allow-all")) return { kind: "undeclared" }
  if (way === "ingress" && identity.role === "gateway" && SELF_REDIRECT.test(name)) {
    return { kind: "self_redirect" }
  }
  const side = way === "ingress" ? "inbound" : "outbound"
  const tail = tailOf(name, `cds_${way}_`, identity.mesh)
  if (tagged !== undefined) return nodeOf(tagged, side, tail?.protocol)
  if (tail !== undefined) return nodeOf(tail.node, side, tail.protocol)
  const why =
    identity.mesh === "" ? "the mesh is not known" : `it does not begin with cds_${way}_${identity.mesh}_`
  return { kind: "unknown", why: `cluster ${name.slice(0, 200)} cannot be read: ${why}` }
}

function nodeOf(node: string, side: "inbound" | "outbound", protocol?: AppProtocol): ClusterMeaning {
  return { kind: "node", direction: side, node, ...(protocol === undefined ? {} : { protocol }) }
}

function tailOf(
  name: string,
  way: string,
  mesh: string,
): { node: string; protocol: AppProtocol | undefined } | undefined {
  const start = `${way}${mesh}_`
  if (mesh === "" || !name.startsWith(start)) return undefined
  const found = TAIL.exec(name.slice(start.length))
  if (found === null) return undefined
  return { node: found[1] ?? "", protocol: PROTOCOLS.get(found[2] ?? "") }
}

/**
 * `traffic_direction`; Envoys of 2019 had none, but names of the same beginning: `lds_egress_0.0.0.0_15001`, before that
 * `lds_egress_<mesh>_<node>_0.0.0.0_15001`.
 */
function direction(listener: Listener): Direction {
  if (listener.direction !== "unspecified") return listener.direction
  if (listener.name.startsWith("lds_ingress_")) return "inbound"
  return listener.name.startsWith("lds_egress_") ? "outbound" : "unspecified"
}

/** Names of virtual hosts that stand for no virtual service. */
const NO_SERVICE = new Set(["default_backend", "self_redirect"])

function service(host: VirtualHost, route: EnvoyRoute | undefined): string {
  const tagged = route?.tags["TargetVirtualService"]
  if (tagged !== undefined) return tagged
  const matched = route?.match.headers.find((header) => header.name === SERVICE_HEADER)?.match?.exact
  if (matched !== undefined) return matched
  return NO_SERVICE.has(host.name) ? "" : host.name
}

function gatewayService(route: EnvoyRoute): string {
  const tagged = route.tags["TargetVirtualService"]
  if (tagged !== undefined) return tagged
  const sent = route.requestHeadersToAdd.find((header) => header.name === SERVICE_HEADER)?.value
  if (sent !== undefined) return sent
  return (route.action.kind === "route" ? route.action.hostRewrite : undefined) ?? ""
}
