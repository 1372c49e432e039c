import { readAgentConfig } from "../agent/config/read.ts"
import { makeLog } from "../agent/telemetry/log.ts"
import { required } from "./arguments.ts"
import type { Arguments, Command, Option, Terminal } from "./command.ts"

export const CONFIG_FLAG: Option = {
  name: "config",
  short: "c",
  value: "FILE",
  help: "The configuration; env:NAME reads it from a variable.",
}

/**
 * The configuration that `--config` names, and the log of its level on standard error.
 * @throws MeshscopeError CONFIG_*, UsageError without the flag
 */
export async function agentSetup(args: Arguments, command: Command, { env, clock, error }: Terminal) {
  const config = await readAgentConfig(required(args, command, "config"), env)
  return { config, log: makeLog({ clock, level: config.log.level, stream: { write: error } }) }
}
