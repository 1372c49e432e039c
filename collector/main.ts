import { VERSION } from "#mesh/version.ts"
import type { CollectorConfig } from "./config.ts"
import { mountPages } from "./page/routes.ts"
import { type Collector, type CollectorDeps, startCollector as start } from "./start.ts"

/** The whole collector: intake, store, API and pages, with what only a process knows. */
export function startCollector(
  config: CollectorConfig,
  deps: Omit<CollectorDeps, "mountPages" | "version" | "env">,
): Promise<Collector> {
  return start(config, { ...deps, env: process.env, version: VERSION, mountPages })
}
