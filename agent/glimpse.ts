import type { PageNames, ProxyConfig, ProxyHint, ProxyTarget } from "#mesh/proxy.ts"
import type { StatsPage } from "#mesh/stats.ts"
import { NO_NAMES, pageNames } from "./decode/admin/page-names.ts"

/** What stands for the configuration of a proxy that tells none: names on its page of stats, and nothing else. */
export class Glimpse {
  #layout: object | undefined

  /** @returns what the page shows where it has other series than the last one; undefined where it has the same */
  see(page: StatsPage): ProxyConfig | undefined {
    if (page.layout === this.#layout) return undefined
    this.#layout = page.layout
    return glimpsed(pageNames(page))
  }
}

/** Such a configuration; without names where nothing can be asked. */
export function glimpsed(names: PageNames = NO_NAMES): ProxyConfig {
  return {
    node: { id: "", cluster: "", metadata: {}, version: "" },
    listeners: [],
    routeConfigs: [],
    clusters: names.clusters.map((name) => ({
      name,
      statName: name,
      type: "",
      endpoints: [],
      tags: {},
      circuitBreakers: {},
    })),
    versions: {},
    updatedMs: undefined,
    names,
  }
}

/** Who the proxy is by discovery, and where that does not know, by what its page says. */
export function hintOf({ hint = {} }: ProxyTarget, config: ProxyConfig): ProxyHint {
  const told = Object.entries(hint).filter(([, value]) => value !== "")
  return { ...config.names?.identity, ...Object.fromEntries(told) }
}
