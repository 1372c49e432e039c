import { hostname } from "node:os"
import { configurationText } from "#mesh/configuration-text.ts"
import type { Environment } from "#mesh/interpolation.ts"
import { type AgentConfig, parseAgentConfig } from "./parse.ts"

/**
 * Reads a configuration from disk, or from a variable: `env:NAME`.
 * @throws MeshscopeError FILE_UNREADABLE, CONFIG_*
 */
export async function readAgentConfig(file: string, env: Environment): Promise<AgentConfig> {
  const text = await configurationText(file, env)
  return parseAgentConfig({ file, text, env, hostName: hostname() })
}
