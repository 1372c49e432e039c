import { makeLog } from "../agent/telemetry/log.ts"
import { CONFIG_FLAG } from "./agent.ts"
import { required } from "./arguments.ts"
import type { Command } from "./command.ts"
import { fileText } from "./config.ts"
import { untilStopped } from "./until-stopped.ts"

export const collectorCommand: Command = {
  name: "collector",
  summary: "Run the collector: joins all agents, answers for the cluster, serves the page.",
  synopsis: "--config FILE",
  about: "Takes what agents send by OTLP and answers until it is stopped by SIGINT or SIGTERM.",
  options: [CONFIG_FLAG],
  examples: ["meshscope collector --config examples/collector.yaml"],
  positionals: { least: 0, most: 0, name: "no further word" },
  async run(args, terminal) {
    const file = required(args, collectorCommand, "config")
    const { parseCollectorConfig } = await import("../collector/config.ts")
    const config = parseCollectorConfig({ file, text: await fileText(file), env: terminal.env })
    const log = makeLog({ clock: terminal.clock, level: "info", stream: { write: terminal.error } })
    const { startCollector } = await import("../collector/main.ts")
    const collector = await startCollector(config, { clock: terminal.clock, log })
    await untilStopped(terminal.signal)
    await collector.stop()
    return "ok"
  },
}
