import type { DeclaredModel, LabelSelector } from "#mesh/declared.ts"
import { istioCluster, istioGateway, istioRouter } from "#mesh/istio-names.ts"
import { isObject } from "#mesh/json-object.ts"
import type { ProxyConfig, ProxyIdentity } from "#mesh/proxy.ts"
import type { IdentityHint } from "./dialect.ts"

/** Istio's own name for a mesh that was given none: its trust domain. */
const DEFAULT_MESH = "cluster.local"

/** A node id of Istio, taken apart. */
export interface IstioNodeId {
  readonly role: ProxyIdentity["role"]
  /** The pod's name; on a machine outside of Kubernetes whatever stands there. */
  readonly pod: string
  readonly namespace: string
}

/** `sidecar~10.0.0.7~web-5d9-x2x.default~default.svc.cluster.local`; `router` and `waypoint` are gateways. */
const NODE_ID = /^(sidecar|router|waypoint)~([^~]*)~([^~]+)~([^~]*)$/

export function istioNodeId(id: string): IstioNodeId | undefined {
  const [, kind, , owner = "", domain = ""] = NODE_ID.exec(id) ?? []
  if (kind === undefined) return undefined
  const dot = owner.lastIndexOf(".")
  return {
    role: kind === "sidecar" ? "sidecar" : "gateway",
    pod: dot < 0 ? owner : owner.slice(0, dot),
    namespace: dot < 0 ? (domain.split(".")[0] ?? "") : owner.slice(dot + 1),
  }
}

/**
 * Who an Istio proxy is. A sidecar is the service that its inbound clusters serve, so that it has the name by which it is
 * called; a gateway is the declared Gateway whose selector takes its labels. Where more than one fits, or none does, it
 * is `<workload>.<namespace>`: a name that is true, if not the caller's.
 */
export function istioIdentity(
  config: ProxyConfig,
  hint: IdentityHint,
  declared?: DeclaredModel,
): ProxyIdentity {
  const { metadata } = config.node
  const nodeId = config.node.id || (hint.nodeId ?? "")
  const read = istioNodeId(nodeId)
  const role = read?.role ?? hint.role ?? "sidecar"
  const mesh = textOf(metadata["MESH_ID"]) || hint.mesh || DEFAULT_MESH
  const labels = textsOf(metadata["LABELS"])
  const namespace = textOf(metadata["NAMESPACE"]) || (read?.namespace ?? "")
  const own = declared?.meshes.find((one) => one.flavor === "istio" && one.name === mesh)
  const found =
    role === "gateway"
      ? gatewayName(own?.virtualGateways ?? [], labels, namespace)
      : sidecarNode(config, labels, namespace, own?.virtualNodes ?? [])
  return {
    proxy: hint.proxy,
    nodeId,
    flavor: "istio",
    mesh,
    role,
    resource:
      found ||
      named(textOf(metadata["WORKLOAD_NAME"]), namespace) ||
      hint.resource ||
      named(textOf(metadata["NAME"]) || (read?.pod ?? ""), namespace) ||
      hint.proxy,
  }
}

type Selecting = Pick<
  NonNullable<DeclaredModel["meshes"][number]>["virtualNodes"][number],
  "name" | "podSelector"
>

/** Of Gateway API, Istio makes the pod for one Gateway and says so. */
const GATEWAY_LABEL = "gateway.networking.k8s.io/gateway-name"

function gatewayName(
  gateways: readonly Selecting[],
  labels: ReadonlyMap<string, string>,
  namespace: string,
): string {
  const told = labels.get(GATEWAY_LABEL)
  if (told !== undefined && namespace !== "") return istioGateway(told, namespace)
  return onlyOne(gateways.filter(({ podSelector }) => selects(podSelector, labels)))
}

/** The service, and of its declared subsets the only one that selects the pod. */
function sidecarNode(
  config: ProxyConfig,
  labels: ReadonlyMap<string, string>,
  namespace: string,
  nodes: readonly Selecting[],
): string {
  const host = serviceHost(config, labels, namespace)
  if (host === "") return ""
  const subsets = nodes.filter(
    (node) => node.name.startsWith(`${host}/`) && selects(node.podSelector, labels),
  )
  return onlyOne(subsets) || host
}

/**
 * The only service of the pod; of several, the one that its own labels call its canonical service. With neither, nobody
 * can tell which of them a call was for, since services on one port share a cluster.
 */
function serviceHost(config: ProxyConfig, labels: ReadonlyMap<string, string>, namespace: string): string {
  const hosts = new Set<string>()
  for (const { name, tags } of config.clusters) {
    const read = istioCluster(name)
    if (read?.direction !== "inbound") continue
    for (const host of tags["istio.services"]?.split(",") ?? [read.host]) if (host !== "") hosts.add(host)
  }
  const [first = ""] = hosts
  if (hosts.size <= 1) return first
  const canonical = CANONICAL.map((label) => labels.get(label)).find((name) => name !== undefined)
  const fitting = [...hosts].filter((host) => host.startsWith(`${canonical}.${namespace}.`))
  return fitting.length === 1 ? (fitting[0] ?? "") : ""
}

/** In Istio's own order. */
const CANONICAL = ["service.istio.io/canonical-name", "app.kubernetes.io/name", "app"]

function named(name: string, namespace: string): string {
  return name === "" || namespace === "" ? name : istioRouter(name, namespace)
}

function onlyOne(all: readonly Selecting[]): string {
  return all.length === 1 ? (all[0]?.name ?? "") : ""
}

/** Istio selects by equal labels alone; a selector without any is no answer to which of several a pod is. */
function selects(selector: LabelSelector | undefined, labels: ReadonlyMap<string, string>): boolean {
  const wanted = Object.entries(selector?.matchLabels ?? {})
  return wanted.length > 0 && wanted.every(([label, value]) => labels.get(label) === value)
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : ""
}

function textsOf(value: unknown): ReadonlyMap<string, string> {
  if (!isObject(value)) return new Map()
  const pairs: [string, unknown][] = Object.entries(value)
  return new Map(pairs.flatMap(([key, one]) => (typeof one === "string" ? [[key, one] as const] : [])))
}
