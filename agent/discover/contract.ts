import type { ProxyTarget } from "#mesh/proxy.ts"

/**
 * Finds the proxies of this node.
 *
 * Every emission is the whole group: a proxy that is not in it is gone. When something fails, nothing is emitted, so
 * the last full set stays, and the failure goes to `report`: a stale target costs one failed scrape, a missing one
 * costs its numbers. Reads no environment.
 */
export interface Discovery {
  /**
   * Emits the first group as soon as it is known, then one whenever it changed. Resolves once `signal` aborts; never
   * rejects. `emit` is synchronous and owns nothing: the group is never changed after it was handed over.
   */
  run(emit: (targets: readonly ProxyTarget[]) => void, signal: AbortSignal): Promise<void>
}

/** Told of each failure; the same failure may come again with every look. */
export type ReportProblem = (error: Error) => void
