import type { ProxyTarget } from "#mesh/proxy.ts"
import type { Discovery } from "../contract.ts"

/** Proxies that are listed in the configuration and never change: one group, then nothing until the end. */
export function inlineDiscovery(targets: readonly ProxyTarget[]): Discovery {
  return {
    run(emit, signal) {
      if (signal.aborted) return Promise.resolve()
      // Listens first: whoever takes the group may end it at once.
      const ended = new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => resolve(), { once: true })
      })
      emit(targets)
      return ended
    },
  }
}
