import type { KubeApi, KubeObject } from "#kubernetes/contract.ts"
import { type KubernetesDiscoveryConfig, takesNamespace } from "./config.ts"
import { podFacts } from "./pod.ts"
import { type MeshedPod, meshedPod } from "./pod-proxies.ts"
import type { PodSource } from "./pod-source.ts"

const PODS = { group: "", version: "v1", plural: "pods" }

/** Pods of the own node by one list and one watch. Of a pod without an Envoy nothing but its name is kept. */
export function watchedPods(config: KubernetesDiscoveryConfig, api: KubeApi): PodSource {
  const { nodeName, namespaces, labelSelector, containers } = config
  const meshed = new WeakMap<KubeObject, MeshedPod>()
  const reduce = (object: KubeObject): KubeObject => {
    const { name, namespace = "" } = object.metadata
    const small: KubeObject = { metadata: { name, namespace } }
    const pod = takesNamespace(namespaces, namespace) ? meshedPod(podFacts(object), containers) : undefined
    if (pod !== undefined) meshed.set(small, pod)
    return small
  }
  const [only, second] = namespaces.include
  const scope = {
    fieldSelector: `spec.nodeName=${nodeName}`,
    reduce,
    // A role of one namespace is then enough.
    ...(only === undefined || second !== undefined ? {} : { namespace: only }),
    ...(labelSelector === "" ? {} : { labelSelector }),
  }
  return {
    run: (told, signal) =>
      api.watch(
        PODS,
        scope,
        {
          changed: (objects) =>
            told.pods([...objects.values()].flatMap((object) => meshed.get(object) ?? [])),
          problem: (error) => told.problem(error),
        },
        signal,
      ),
  }
}
