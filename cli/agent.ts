import { agentSetup, CONFIG_FLAG } from "./agent-config.ts"
import type { Command } from "./command.ts"
import { untilStopped } from "./service.ts"

export const agentCommand: Command = {
  name: "agent",
  summary: "Run the agent of one node.",
  synopsis: "--config FILE",
  about:
    "Reads the proxies of this node and publishes their metrics until it is stopped by SIGINT or SIGTERM.\nThe log goes to standard error, one JSON object a line.",
  options: [CONFIG_FLAG],
  examples: [
    "meshscope agent --config examples/agent.yaml",
    "NODE_NAME=$(hostname) meshscope agent -c agent.yaml",
  ],
  positionals: { least: 0, most: 0, name: "no further word" },
  async run(args, terminal) {
    const { config, log } = await agentSetup(args, agentCommand, terminal)
    // Loaded late: help and checks need none of it.
    const { startAgent } = await import("../agent/main.ts")
    const agent = await startAgent(config, { clock: terminal.clock, log, signal: terminal.signal })
    log.info("The agent is running.", {
      agent: config.agent.id,
      ...(agent.metricsUrl === undefined ? {} : { metrics: agent.metricsUrl }),
    })
    return untilStopped("agent", agent, log, terminal)
  },
}
