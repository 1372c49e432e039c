import type { AppProtocol, LabelSelector, NativeName, NodeListener, VirtualNode } from "../../declared.ts"
import type { KubeObject, KubeObjects } from "../kube-objects.ts"
import { optional } from "../match-spec.ts"
import {
  at,
  invalid,
  isThere,
  listAt,
  neededText,
  portAt,
  type Spot,
  textAt,
  textsAt,
  wordAt,
} from "../spot.ts"

/** A host that can be called: a Service, or what a ServiceEntry adds. */
export interface KnownHost {
  readonly host: string
  readonly native: NativeName
  readonly labels?: Readonly<Record<string, string>>
  readonly listeners: readonly NodeListener[]
  readonly podSelector?: LabelSelector
  readonly discovery?: VirtualNode["discovery"]
  /** Its namespace lets Istio put a proxy into each pod. */
  readonly injected: boolean
}

/** What short names are completed with. */
export interface ShortNames {
  readonly namespace: string
  /** `cluster.local` where nobody chose another. */
  readonly domain: string
}

/** Istio completes names without a dot; `reviews.default` it takes as it is. */
export function wholeName(host: string, { namespace, domain }: ShortNames): string {
  return host === "*" || host.includes(".") ? host : serviceHost(host, namespace, domain)
}

export function serviceHost(name: string, namespace: string, domain: string): string {
  return `${name}.${namespace}.svc.${domain}`
}

/** All hosts by name. Of two objects that tell of one host the first one has it. */
export function knownHosts(objects: KubeObjects, domain: string): Map<string, KnownHost> {
  const hosts = new Map<string, KnownHost>()
  const add = (host: KnownHost): void => {
    if (!hosts.has(host.host)) hosts.set(host.host, host)
  }
  for (const service of objects.of("Service"))
    objects.reading.attempt(() => add(serviceOf(objects, service, domain)))
  for (const entry of objects.of("istio/ServiceEntry"))
    objects.reading.attempt(() => {
      for (const host of entryHosts(entry)) add(host)
    })
  return hosts
}

function nativeOf({ nativeKind, name, namespace }: KubeObject): NativeName {
  return { kind: nativeKind, name, namespace }
}

function serviceOf(objects: KubeObjects, service: KubeObject, domain: string): KnownHost {
  const selector = textsAt(service.spec, "selector")
  return {
    host: serviceHost(service.name, service.namespace, domain),
    native: nativeOf(service),
    ...optional("labels", service.labels),
    listeners: portsOf(service.spec, "port"),
    ...optional("podSelector", selector === undefined ? undefined : { matchLabels: selector }),
    injected: isInjected(objects.namespaceLabels(service.namespace)),
  }
}

function isInjected(labels: Readonly<Record<string, string>>): boolean {
  return labels["istio-injection"] === "enabled" || Object.hasOwn(labels, "istio.io/rev")
}

/** `resolution` tells whether its hosts are names to be resolved; without one Envoy goes where the caller went. */
function entryHosts(entry: KubeObject): KnownHost[] {
  const resolution = textAt(entry.spec, "resolution") ?? "NONE"
  const listeners = portsOf(entry.spec, "number")
  const labels = textsAt(entry.spec, "workloadSelector", "labels")
  const hosts = listAt(entry.spec, "hosts")
  if (hosts.length === 0) throw invalid(at(entry.spec, "hosts"), "names no host")
  const common = {
    native: nativeOf(entry),
    ...optional("labels", entry.labels),
    listeners,
    ...optional("podSelector", labels === undefined ? undefined : { matchLabels: labels }),
    injected: false,
  }
  const isResolved = resolution.startsWith("DNS")
  return hosts.map((spot) => {
    const host = neededText(spot)
    return Object.assign(
      { host },
      common,
      isResolved ? { discovery: { type: "dns" as const, hostname: host } } : {},
    )
  })
}

/** Ports of a Service (`port`) or ServiceEntry (`number`); what is not TCP no proxy of ours sees. */
function portsOf(spec: Spot, key: "port" | "number"): NodeListener[] {
  return listAt(spec, "ports").flatMap((spot) => {
    const port = portAt(spot, key)
    if (port === undefined) throw invalid(at(spot, key), "is missing")
    const transport = key === "port" ? (wordAt(spot, ["TCP", "UDP", "SCTP"], "protocol") ?? "TCP") : "TCP"
    if (transport !== "TCP") return []
    const told = key === "number" ? textAt(spot, "protocol") : textAt(spot, "appProtocol")
    return [{ port, protocol: protocolOf(told, textAt(spot, "name") ?? "") }]
  })
}

/**
 * Istio's rule: `appProtocol` (in a ServiceEntry `protocol`), else what the port's name begins with. A port that tells
 * nothing is looked at while it is used; it is mostly HTTP.
 */
function protocolOf(told: string | undefined, name: string): AppProtocol {
  const word = (told ?? name.split("-")[0] ?? "").toLowerCase().replace("kubernetes.io/", "")
  if (word === "grpc") return "grpc"
  if (word === "http2" || word === "h2c") return "http2"
  return OPAQUE.has(word) ? "tcp" : "http"
}

const OPAQUE = new Set(["tcp", "tls", "https", "mongo", "mysql", "redis", "wss"])

/** Whether anything stands at a spot that only has to be there. */
export function has(spot: Spot, ...keys: readonly string[]): boolean {
  return isThere(at(spot, ...keys))
}
