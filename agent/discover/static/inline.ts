import type { ProxyTarget } from "#mesh/proxy.ts"
import type { Discovery } from "../contract.ts"

/** Proxies that are listed in the configuration and never change: one group, then nothing until the end. */
export function inlineDiscovery(targets: readonly ProxyTarget[]): Discovery {
  return {
    run(emit, signal) {
      if (signal.aborted) return Promise.resolve()
      emit(targets)
      return new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve(), { once: true })
      })
    },
  }
}
