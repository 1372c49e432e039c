import { parseArgs } from "node:util"
import { systemClock } from "#mesh/clock.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { OnceReport } from "#mesh/once-report.ts"
import { VERSION } from "#mesh/version.ts"
import type { AgentConfig } from "./config/parse.ts"
import { readAgentConfig } from "./config/read.ts"
import { readOnce as read } from "./once.ts"
import { type Agent, type AgentDeps, startAgent as start } from "./start.ts"
import { makeLog } from "./telemetry/log.ts"

/** The whole agent of one node, with what only a process knows. */
export function startAgent(config: AgentConfig, deps: Pick<AgentDeps, "clock" | "log">): Promise<Agent> {
  return start(config, { ...deps, env: process.env, version: VERSION, nodeVersion: process.versions.node })
}

/** One look at everything, for `meshscope once`. */
export function readOnce(config: AgentConfig, deps: Pick<AgentDeps, "clock" | "log">): Promise<OnceReport> {
  return read(config, { ...deps, env: process.env, version: VERSION, nodeVersion: process.versions.node })
}

/** `node agent/main.ts --config FILE`: runs until SIGTERM or SIGINT. */
async function run(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: "string", short: "c" } } })
  if (values.config === undefined)
    throw new MeshscopeError("FILE_UNREADABLE", "The agent needs --config FILE.")
  const config = await readAgentConfig(values.config, process.env)
  const log = makeLog({ clock: systemClock, level: config.log.level, stream: process.stderr })
  const agent = await startAgent(config, { clock: systemClock, log })
  log.info("The agent is running.", {
    agent: config.agent.id,
    ...(agent.metricsUrl === undefined ? {} : { metrics: agent.metricsUrl }),
  })
  const stop = (): void => {
    log.info("The agent is stopping.")
    void agent.stop().then(() => {
      log.info("The agent has stopped.")
    })
  }
  process.once("SIGTERM", stop)
  process.once("SIGINT", stop)
}

if (import.meta.main) {
  try {
    await run()
  } catch (error) {
    const code = error instanceof MeshscopeError ? `${error.code}: ` : ""
    process.stderr.write(`${code}${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
