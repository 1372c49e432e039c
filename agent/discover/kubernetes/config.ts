import type { KubeAccess } from "#kubernetes/access.ts"
import type { NamedContainers } from "./recognise/plain.ts"

/** What Kubernetes discovery runs by: paths absolute, durations ms. */
export interface KubernetesDiscoveryConfig {
  readonly nodeName: string
  readonly namespaces: Namespaces
  /** Empty: all pods. */
  readonly labelSelector: string
  readonly containers: NamedContainers
  /** Folder of the kubelet's log files. */
  readonly logs: string
  /** Who tells of the pods: the API server, by a list and a watch, or the node's kubelet, asked again and again. */
  readonly from:
    | { readonly kind: "api"; readonly access: KubeAccess }
    | { readonly kind: "kubelet"; readonly access: KubeAccess; readonly interval: number }
}

export interface Namespaces {
  /** Empty: all. */
  readonly include: readonly string[]
  readonly exclude: readonly string[]
}

export function takesNamespace({ include, exclude }: Namespaces, namespace: string): boolean {
  return (include.length === 0 || include.includes(namespace)) && !exclude.includes(namespace)
}
