import { VERSION } from "#mesh/version.ts"
import type { CollectorConfig } from "./config.ts"
import { mountPages } from "./page/routes.ts"
import { type Collector, type CollectorDeps, startCollector as start } from "./start.ts"

/** The whole collector: intake, store, API and pages. */
export function startCollector(
  config: CollectorConfig,
  deps: Omit<CollectorDeps, "mountPages" | "version">,
): Promise<Collector> {
  return start(config, { ...deps, version: VERSION, mountPages })
}
