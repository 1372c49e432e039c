import type { ProxyTarget } from "#mesh/proxy.ts"
import type { Discovery } from "../contract.ts"
import { type FileDiscoveryDeps, fileDiscovery } from "./file.ts"
import { inlineDiscovery } from "./inline.ts"

/** `discover.static` of the configuration: a file (absolute path) that may change, or the targets themselves. */
export interface StaticDiscoveryConfig {
  readonly file?: string | undefined
  /** Milliseconds between two looks at the file. */
  readonly interval: number
  readonly targets?: readonly ProxyTarget[] | undefined
}

/** Proxies from a list. */
export function staticDiscovery(config: StaticDiscoveryConfig, deps: FileDiscoveryDeps): Discovery {
  return config.file === undefined
    ? inlineDiscovery(config.targets ?? [])
    : fileDiscovery({ file: config.file, interval: config.interval }, deps)
}
