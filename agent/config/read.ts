import { readFile } from "node:fs/promises"
import { hostname } from "node:os"
import { MeshscopeError } from "#mesh/errors.ts"
import type { Environment } from "#mesh/interpolation.ts"
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
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new MeshscopeError("FILE_UNREADABLE", `The configuration ${file} cannot be read: ${why}`, { cause })
  }
  return parseAgentConfig({ file, text, env, hostName: hostname() })
}
