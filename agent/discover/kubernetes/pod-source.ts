import type { MeshedPod } from "./pod-proxies.ts"

/** Who tells of the node's pods. */
export interface PodSource {
  /** Never rejects; resolves once `signal` aborts. */
  run(told: PodsTold, signal: AbortSignal): Promise<void>
}

export interface PodsTold {
  /** All pods with Envoys in them. */
  pods(pods: readonly MeshedPod[]): void
  /** Why they may be out of date; undefined: they are not any more. */
  problem(error: Error | undefined): void
}
