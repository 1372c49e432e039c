import { readFile } from "node:fs/promises"
import { hostname } from "node:os"
import { configurationText } from "#mesh/configuration-text.ts"
import { plainText } from "#mesh/plain-text.ts"
import { fileUnreadable } from "#mesh/system-reason.ts"
import { parseTargets } from "#mesh/targets.ts"
import { parseAgentConfig } from "../agent/config/parse.ts"
import { CONFIG_FLAG } from "./agent-config.ts"
import { required } from "./arguments.ts"
import { type Command, type Terminal, UsageError } from "./command.ts"
import { configPage } from "./config-page.ts"
import { editorSchema } from "./editor-schema.ts"
import { askedKind, type ConfigKind, jsonSchemaOf, KINDS, kindOfText } from "./kinds.ts"
import { writtenConfig } from "./written-config.ts"

export const KIND_FLAG = {
  name: "kind",
  value: "KIND",
  help: `What kind of file: ${KINDS.join(", ")}. Without it, the keys of the file tell.`,
}

export const configCommand: Command = {
  name: "config",
  summary: "Show a configuration with all defaults, its JSON schema, or the reference page.",
  synopsis: "--config FILE | --schema [--kind KIND] | --docs",
  about: "Prints what is in force as YAML that reads back to the same; secrets stay references.",
  options: [
    CONFIG_FLAG,
    {
      name: "schema",
      help: "Print the JSON schema, for editors. Of the agent, unless --kind says otherwise.",
    },
    { name: "docs", help: "Print the reference page of all settings." },
    KIND_FLAG,
  ],
  examples: [
    "meshscope config --config examples/agent.yaml",
    "meshscope config --schema > agent.schema.json",
    "meshscope config --schema --kind collector",
  ],
  positionals: { least: 0, most: 0, name: "no further word" },
  async run(args, terminal) {
    const kind = askedKind(args)
    const asked = [args.switches.has("docs"), args.switches.has("schema"), args.values.has("config")]
    if (asked.filter(Boolean).length > 1)
      throw new UsageError("--config, --schema and --docs are three different questions; ask one.")
    if (args.switches.has("docs")) terminal.out(await configPage(kind === undefined ? KINDS : [kind]))
    else if (args.switches.has("schema"))
      terminal.out(`${JSON.stringify(editorSchema(await jsonSchemaOf(kind ?? "agent")), undefined, 2)}\n`)
    else terminal.out(await effective(required(args, configCommand, "config"), kind, terminal))
    return "ok"
  },
}

export async function effective(
  file: string,
  named: ConfigKind | undefined,
  terminal: Terminal,
): Promise<string> {
  const text = await configurationText(file, terminal.env)
  const kind = named ?? (await kindOfText(text)) ?? "agent"
  const written = writtenConfig(await jsonSchemaOf(kind), await parsed(kind, file, text, terminal))
  return written.split("\n").map(plainText).join("\n")
}

/** Reads the text of a file of a kind. Throws MeshscopeError CONFIG_*. */
async function parsed(
  kind: ConfigKind,
  file: string,
  text: string,
  { env }: Pick<Terminal, "env">,
): Promise<object> {
  const source = { file, text, env }
  if (kind === "agent") return parseAgentConfig({ ...source, hostName: hostname() })
  if (kind === "targets") return { targets: parseTargets(source) }
  return (await import("../collector/config.ts")).parseCollectorConfig(source)
}

/** Throws MeshscopeError FILE_UNREADABLE. */
export async function fileText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8")
  } catch (cause) {
    throw fileUnreadable("The file", file, cause)
  }
}
