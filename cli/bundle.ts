import { readdir, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { socketAddressText } from "#mesh/address.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { plainJson, plainText } from "#mesh/plain-text.ts"
import type { SocketAddress } from "#mesh/proxy.ts"
import { scrubbedText } from "#mesh/scrubbed-text.ts"
import { VERSION } from "#mesh/version.ts"
import { readAgentConfig } from "../agent/config/read.ts"
import { CONFIG_FLAG } from "./agent-config.ts"
import { agentPageText } from "./agent-page.ts"
import { required } from "./arguments.ts"
import type { Command, Terminal } from "./command.ts"
import { effective, KIND_FLAG } from "./config.ts"
import { examined, kindOfFile } from "./doctor.ts"

/** Files of the state folder that are listed. */
const MOST_FILES = 1000

export const bundleCommand: Command = {
  name: "bundle",
  summary: "Gather what is needed to look into a problem, without secrets, as one JSON document.",
  synopsis: "--config FILE [--kind KIND] [--output FILE]",
  about:
    "Holds versions, the configuration in force, what doctor found, the running agent's or collector's own metrics, and names and sizes of state files. Names of your mesh, hosts and paths are in it; secrets are references, and whatever looks like one is left out.\nSends nothing.",
  options: [
    CONFIG_FLAG,
    KIND_FLAG,
    { name: "output", short: "o", value: "FILE", help: "Where to write it. Without it: standard output." },
  ],
  examples: [
    "meshscope bundle -c agent.yaml -o bundle.json",
    "kubectl exec ds/meshscope-agent -- meshscope bundle -c /etc/meshscope/agent.yaml > bundle.json",
  ],
  positionals: { least: 0, most: 0, name: "no further word" },
  async run(args, terminal) {
    const file = required(args, bundleCommand, "config")
    const kind = await kindOfFile(args, terminal)
    const [configuration, doctor, parts] = await Promise.all([
      effective(file, kind, terminal),
      orWhy(() => examined(args, terminal)),
      running(file, kind, terminal),
    ])
    if (terminal.signal.aborted) return "interrupted"
    const made = {
      made: new Date(terminal.clock.now()).toISOString(),
      meshscope: VERSION,
      system: terminal.system,
      kind,
      environment: Object.keys(terminal.env).filter((name) =>
        /^(?:AWS|ECS|KUBERNETES|NODE|OTEL)_/.test(name),
      ),
      configuration: configuration.split("\n"),
      doctor,
      ...parts,
    }
    const text = `${scrubbedText(plainJson(JSON.stringify(made, undefined, 2)), terminal.env)}\n`
    const output = args.values.get("output")
    if (output === undefined) terminal.out(text)
    else {
      await writeFile(output, text, { mode: 0o600 })
      terminal.error(`${plainText(output)} has been written. Read it before you give it away.\n`)
    }
    return "ok"
  },
}

/** What runs by this configuration tells of itself, and what it keeps on disk. */
async function running(
  file: string,
  kind: "agent" | "collector",
  { env, signal }: Terminal,
): Promise<{ readonly metrics: unknown; readonly files: unknown }> {
  const { address, path, folder } = await placesOf(file, kind, env)
  const [metrics, files] = await Promise.all([
    orWhy(async () => {
      if (address === undefined) return "no page for Prometheus is served"
      return (await agentPageText(`http://${address}${path}`, signal)).split("\n")
    }),
    orWhy(async () => (folder === undefined ? "none are kept" : filesIn(folder))),
  ])
  return { metrics, files }
}

interface Places {
  /** `host:port` on this host. */
  readonly address: string | undefined
  readonly path: string
  readonly folder: string | undefined
}

async function placesOf(file: string, kind: "agent" | "collector", env: Terminal["env"]): Promise<Places> {
  if (kind === "collector") {
    const { readCollectorConfig } = await import("../collector/config.ts")
    const { listen, store } = await readCollectorConfig(file, env)
    return { address: socketAddressText(here(listen)), path: "/metrics", folder: store.folder }
  }
  const { agent, publish } = await readAgentConfig(file, env)
  const { enabled, listen, path } = publish.prometheus
  return { address: enabled ? socketAddressText(here(listen)) : undefined, path, folder: agent.state }
}

/** Who listens everywhere is reached on loopback. */
function here({ host, port }: SocketAddress): SocketAddress {
  const everywhere: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" }
  return { host: everywhere[host] ?? host, port }
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true })
  const told: string[] = []
  for (const name of names.toSorted().slice(0, MOST_FILES)) {
    const stats = await stat(join(folder, name)).catch(() => undefined)
    if (stats?.isFile() === true) told.push(`${name}: ${stats.size} bytes`)
  }
  return told
}

/** A part that cannot be had must not keep the others from being told. */
async function orWhy<T>(part: () => Promise<T>): Promise<T | string> {
  try {
    return await part()
  } catch (error) {
    if (error instanceof MeshscopeError) return error.message
    return error instanceof Error ? error.message : String(error)
  }
}
