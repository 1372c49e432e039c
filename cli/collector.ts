import { makeLog } from "../agent/telemetry/log.ts"
import { CONFIG_FLAG } from "./agent-config.ts"
import type { Command } from "./command.ts"
import { untilStopped } from "./service.ts"

export const collectorCommand: Command = {
  name: "collector",
  summary: "Run the collector: joins all agents, answers for the cluster, serves the page.",
  synopsis: "[--config FILE]",
  about:
    "Takes what agents send by OTLP and answers until it is stopped by SIGINT or SIGTERM.\nWithout a configuration it serves this host alone, on port 4318, and keeps its numbers in memory.",
  options: [CONFIG_FLAG],
  examples: ["meshscope collector", "meshscope collector --config examples/collector.yaml"],
  positionals: { least: 0, most: 0, name: "no further word" },
  async run(args, terminal) {
    const file = args.values.get("config")
    // Loaded late: help and checks need none of it.
    const { parseCollectorConfig, readCollectorConfig } = await import("../collector/config.ts")
    const config =
      file === undefined
        ? parseCollectorConfig({ file: "defaults", text: "", env: {} })
        : await readCollectorConfig(file, terminal.env)
    const log = makeLog({ clock: terminal.clock, level: "info", stream: { write: terminal.error } })
    const { startCollector } = await import("../collector/main.ts")
    const collector = await startCollector(config, { clock: terminal.clock, log })
    log.info("The collector is listening.", { url: collector.url })
    return untilStopped("collector", collector, log, terminal)
  },
}
