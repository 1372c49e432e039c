import { isIPv4 } from "node:net"
import { adminAddressText } from "#mesh/address.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import type { ContainerLogs } from "./log-files.ts"
import type { MeshedPod, PodProxy } from "./pod-proxies.ts"

/** Finds the log files of a container. */
export type FindLogs = (pod: MeshedPod, container: string, restarts: number) => ContainerLogs

export interface NodeTargets {
  readonly targets: readonly ProxyTarget[]
  /** What is wrong, each kind of trouble once. */
  readonly problems: readonly MeshscopeError[]
}

/** The targets of a node's pods. A pod without an address is not there yet. */
export function nodeTargets(pods: Iterable<MeshedPod>, findLogs: FindLogs): NodeTargets {
  const problems = new Map<string, MeshscopeError>()
  const claimed = new Map<string, string>()
  const targets: ProxyTarget[] = []
  for (const pod of inOrder(pods)) {
    if (pod.problem !== undefined)
      problems.set(pod.problem, new MeshscopeError("CONFIG_INVALID", pod.problem))
    for (const proxy of pod.proxies) {
      const host = hostOf(pod, proxy)
      if (host === undefined) continue
      const logs = findLogs(pod, proxy.container, proxy.restarts)
      if (logs.trouble !== undefined) problems.set(kindOf(logs.trouble), logs.trouble)
      const target = targetOf(pod, proxy, host, logs)
      const address = adminAddressText(target.admin)
      const owner = claimed.get(address)
      if (owner === undefined) {
        claimed.set(address, target.name)
        targets.push(target)
      } else if (!pod.deleting) {
        const sentence = `${target.name} and ${owner} say that their Envoys are at ${address}; the second one is left out.`
        problems.set(sentence, new MeshscopeError("DISCOVERY_CONFLICT", sentence))
      }
    }
  }
  return { targets: targets.toSorted((a, b) => (a.name < b.name ? -1 : 1)), problems: [...problems.values()] }
}

/** Of two pods at one address, as of a host's network, the one that stays goes first, then the younger one. */
function inOrder(pods: Iterable<MeshedPod>): MeshedPod[] {
  return [...pods].toSorted(
    (a, b) =>
      Number(a.deleting) - Number(b.deleting) ||
      (a.created === b.created ? compare(fullName(a), fullName(b)) : compare(b.created, a.created)),
  )
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const fullName = ({ namespace, name }: MeshedPod): string => `${namespace}/${name}`
/** The same reason for a hundred files is one trouble. */
const kindOf = ({ cause, code }: MeshscopeError): string =>
  cause instanceof Error && "code" in cause ? `${code} ${String(cause.code)}` : code

function hostOf({ addresses }: MeshedPod, { fourOnly }: PodProxy): string | undefined {
  return (fourOnly === true ? addresses.find((address) => isIPv4(address)) : undefined) ?? addresses[0]
}

function targetOf(
  pod: MeshedPod,
  proxy: PodProxy,
  host: string,
  { files, trouble }: ContainerLogs,
): ProxyTarget {
  const { container, port, serves, hint } = proxy
  const gaps = [
    ...(proxy.gaps ?? []),
    ...(trouble !== undefined || files.length === 0 ? (["log"] as const) : []),
  ]
  return {
    name: pod.proxies.length === 1 ? fullName(pod) : `${fullName(pod)}/${container}`,
    admin: { kind: "tcp", host, port },
    ...(serves === undefined ? {} : { serves }),
    logs: files,
    ...(hint === undefined ? {} : { hint }),
    ...(gaps.length === 0 ? {} : { gaps }),
    labels: {
      namespace: pod.namespace,
      pod: pod.name,
      container,
      node: pod.node,
      uid: pod.uid,
      ...(pod.owner === undefined ? {} : { owner_kind: pod.owner.kind, owner_name: pod.owner.name }),
      ...proxy.labels,
    },
  }
}
