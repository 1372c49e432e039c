import { parseArgs } from "node:util"
import { systemClock } from "#mesh/clock.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { VERSION } from "#mesh/version.ts"
import { type CollectorConfig, parseCollectorConfig, readCollectorConfig } from "./config.ts"
import { makeLog } from "./log.ts"
import { mountPages } from "./page/routes.ts"
import { type Collector, type CollectorDeps, startCollector as start } from "./start.ts"

/** The whole collector: intake, store, API and pages. */
export function startCollector(
  config: CollectorConfig,
  deps: Omit<CollectorDeps, "mountPages" | "version">,
): Promise<Collector> {
  return start(config, { ...deps, version: VERSION, mountPages })
}

/** `node collector/main.ts [--config FILE]`: runs until SIGTERM or SIGINT. */
async function run(): Promise<void> {
  const log = makeLog(systemClock, (line) => process.stderr.write(line))
  const { values } = parseArgs({ options: { config: { type: "string", short: "c" } } })
  const config =
    values.config === undefined
      ? parseCollectorConfig({ file: "defaults", text: "", env: {} })
      : await readCollectorConfig(values.config, process.env)
  const collector = await startCollector(config, { clock: systemClock, log })
  log.info("The collector is listening.", { url: collector.url })
  const stop = (): void => {
    log.info("The collector is stopping.")
    void collector.stop().then(() => {
      log.info("The collector has stopped.")
    })
  }
  process.once("SIGTERM", stop)
  process.once("SIGINT", stop)
}

if (import.meta.main) {
  try {
    await run()
  } catch (error) {
    const code = error instanceof MeshscopeError ? error.code : undefined
    const text = error instanceof Error ? error.message : String(error)
    process.stderr.write(`${code === undefined ? "" : `${code}: `}${text}\n`)
    process.exitCode = 1
  }
}
