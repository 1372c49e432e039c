import { type SpawnOptions, spawn } from "node:child_process"
import { once } from "node:events"
import { MeshscopeError } from "#mesh/errors.ts"

/** How much of a failed command's output goes into the error. */
const KEPT_OUTPUT_CHARS = 2000

/** What to install for the tools that provisioning calls. */
const TOOL_PACKAGES: Record<string, string> = {
  python3: "python3 and python3-pip (apt-get install python3 python3-pip)",
  "apt-get": "a Debian system; elsewhere install the component yourself and name it by the variable",
  dpkg: "a Debian system; elsewhere install the component yourself and name it by the variable",
  mvn: "Maven (apt-get install maven)",
  go: "Go 1.26 or newer (the `go` command in PATH)",
}

export interface CommandOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
  /** Called with each line that the command writes to standard error. */
  onErrorLine?: (line: string) => void
}

/**
 * Runs a tool and returns its standard output.
 * @throws MeshscopeError COMPONENT_MISSING with what to install when the tool is not there, with its last words when it fails
 */
export async function command(tool: string, args: string[], options: CommandOptions = {}): Promise<string> {
  const spawnOptions: SpawnOptions = { stdio: ["ignore", "pipe", "pipe"] }
  if (options.cwd !== undefined) spawnOptions.cwd = options.cwd
  if (options.env !== undefined) spawnOptions.env = options.env
  const child = spawn(tool, args, spawnOptions)
  let output = ""
  let complaint = ""
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (output += text))
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-KEPT_OUTPUT_CHARS)
    if (options.onErrorLine) for (const line of text.split("\n")) if (line !== "") options.onErrorLine(line)
  })
  await once(child, "close").catch((cause: unknown) => {
    throw toolMissing(tool, cause)
  })
  if (child.exitCode === 0) return output
  throw new MeshscopeError(
    "COMPONENT_MISSING",
    `\`${tool} ${args.join(" ")}\` ended with ${child.exitCode ?? child.signalCode}: ` +
      (complaint || output.slice(-KEPT_OUTPUT_CHARS)).trim(),
  )
}

function toolMissing(tool: string, cause: unknown): MeshscopeError {
  return new MeshscopeError(
    "COMPONENT_MISSING",
    `\`${tool}\` cannot be run. Needed: ${TOOL_PACKAGES[tool] ?? tool}.`,
    { cause },
  )
}
