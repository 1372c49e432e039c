import { makeLog } from "../agent/telemetry/log.ts"
import { CONFIG_FLAG } from "./agent.ts"
import type { Command } from "./command.ts"
import { fileText } from "./config.ts"
import { untilStopped } from "./until-stopped.ts"

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
    const text = file === undefined ? "" : await fileText(file)
    const { parseCollectorConfig } = await import("../collector/config.ts")
    const config = parseCollectorConfig({ file: file ?? "defaults", text, env: terminal.env })
    const log = makeLog({ clock: terminal.clock, level: "info", stream: { write: terminal.error } })
    const { startCollector } = await import("../collector/main.ts")
    const collector = await startCollector(config, { clock: terminal.clock, log })
    log.info("The collector is listening.", { url: collector.url })
    await untilStopped(terminal.signal)
    log.info("The collector is stopping.")
    await collector.stop()
    log.info("The collector has stopped.")
    return "ok"
  },
}
