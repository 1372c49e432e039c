import { readFile } from "node:fs/promises"
import { hostname } from "node:os"
import type { Environment } from "#mesh/interpolation.ts"
import { fileUnreadable } from "#mesh/system-reason.ts"
import { type AgentConfig, parseAgentConfig } from "./parse.ts"

/**
 * Reads a configuration from disk.
 * @throws MeshscopeError FILE_UNREADABLE, CONFIG_*
 */
export async function readAgentConfig(file: string, env: Environment): Promise<AgentConfig> {
  let text: string
  try {
    text = await readFile(file, "utf8")
  } catch (cause) {
    throw fileUnreadable("The configuration", file, cause)
  }
  return parseAgentConfig({ file, text, env, hostName: hostname() })
}
