import type { KubeApi } from "#kubernetes/contract.ts"
import type { Clock } from "#mesh/clock.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { isObject, ownMember } from "#mesh/json-object.ts"
import { type KubernetesDiscoveryConfig, takesNamespace } from "./config.ts"
import { podFacts } from "./pod.ts"
import { type MeshedPod, meshedPod } from "./pod-proxies.ts"
import type { PodSource } from "./pod-source.ts"

/** Pods as the node's own kubelet tells of them at `/pods`, asked for again and again: it has no watch. */
export function kubeletPods(
  config: KubernetesDiscoveryConfig,
  intervalMs: number,
  kubelet: KubeApi,
  clock: Clock,
): PodSource {
  return {
    async run(told, signal) {
      let troubled = false
      while (!signal.aborted) {
        try {
          const pods = podsOf(await kubelet.read("/pods", signal), config)
          if (signal.aborted) return
          if (troubled) told.problem(undefined)
          troubled = false
          told.pods(pods)
        } catch (error) {
          if (signal.aborted) return
          troubled = true
          told.problem(error instanceof Error ? error : new Error(String(error)))
        }
        await clock.sleep(intervalMs, signal)
      }
    },
  }
}

function podsOf(value: unknown, { namespaces, containers }: KubernetesDiscoveryConfig): MeshedPod[] {
  const items = isObject(value) ? ownMember(value, "items") : undefined
  const all = items === null ? [] : items
  if (!Array.isArray(all))
    throw new MeshscopeError("KUBE_BAD_ANSWER", "The kubelet's answer to /pods is no list of pods.")
  return all.filter(isObject).flatMap((object) => {
    const facts = podFacts(object)
    if (facts.name === "" || !takesNamespace(namespaces, facts.namespace)) return []
    return meshedPod(facts, containers) ?? []
  })
}
