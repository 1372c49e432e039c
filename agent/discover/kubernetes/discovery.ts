import { makeKubeApi } from "#kubernetes/api.ts"
import type { Clock } from "#mesh/clock.ts"
import type { Discovery, ReportProblem } from "../contract.ts"
import type { KubernetesDiscoveryConfig } from "./config.ts"
import { kubeletPods } from "./kubelet-pods.ts"
import { containerLogs } from "./log-files.ts"
import type { MeshedPod } from "./pod-proxies.ts"
import type { PodSource } from "./pod-source.ts"
import { nodeTargets } from "./targets.ts"
import { watchedPods } from "./watched-pods.ts"

export interface KubernetesDiscoveryDeps {
  readonly clock: Clock
  /** 0 to 1, for jitter. */
  readonly random: () => number
  readonly report: ReportProblem
  /** Told once when the pods can be read again after a problem. */
  readonly mended?: () => void
}

/** A pod that starts changes several times within a second; its targets are made once for all of them. */
const SETTLE_MS = 200

/** Envoys in the pods of one node. What a pod says of itself is all that is looked at; no Envoy is asked. */
export function kubernetesDiscovery(
  config: KubernetesDiscoveryConfig,
  deps: KubernetesDiscoveryDeps,
): Discovery {
  const { clock, report } = deps
  const source = podSource(config, deps)
  return {
    async run(emit, signal) {
      const news = new News(signal)
      const listening = source.run(
        {
          pods: (pods) => news.tell(pods),
          problem: (error) => (error === undefined ? deps.mended?.() : report(error)),
        },
        signal,
      )
      let known: string | undefined
      let told = new Set<string>()
      for (;;) {
        const pods = await news.next()
        if (pods === undefined) break
        const { targets, problems } = nodeTargets(pods, (pod, container, restarts) =>
          containerLogs(config.logs, pod, container, restarts),
        )
        const text = JSON.stringify(targets)
        if (text !== known) emit(targets)
        known = text
        // Each once, until it was away for a while: the pods are looked at with each of their changes.
        for (const problem of problems) if (!told.has(problem.message)) report(problem)
        told = new Set(problems.map(({ message }) => message))
        await clock.sleep(SETTLE_MS, signal)
      }
      await listening
    },
  }
}

function podSource(config: KubernetesDiscoveryConfig, { clock, random }: KubernetesDiscoveryDeps): PodSource {
  const { from } = config
  const api = makeKubeApi(from.access, { clock, random })
  return from.kind === "api" ? watchedPods(config, api) : kubeletPods(config, from.interval, api, clock)
}

/** The newest set of pods, for one who takes it when there is time. */
class News {
  readonly #signal: AbortSignal
  #pods: readonly MeshedPod[] | undefined
  #wake: () => void = () => undefined

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener("abort", () => this.#wake(), { once: true })
  }

  tell(pods: readonly MeshedPod[]): void {
    this.#pods = pods
    this.#wake()
  }

  /** Undefined: it is over. */
  async next(): Promise<readonly MeshedPod[] | undefined> {
    while (this.#pods === undefined && !this.#signal.aborted)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    const pods = this.#signal.aborted ? undefined : this.#pods
    this.#pods = undefined
    return pods
  }
}
