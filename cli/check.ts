import { MeshscopeError } from "#mesh/errors.ts"
import { plainText } from "#mesh/plain-text.ts"
import { type CheckedFile, checkedFile, checkedModel } from "./checked-file.ts"
import type { Command, ExitName, Terminal } from "./command.ts"
import { fileText, KIND_FLAG } from "./config.ts"
import { askedKind, type ConfigKind, isMapping, isModelText, kindOfText } from "./kinds.ts"

const WELL: Readonly<Record<ConfigKind, string>> = {
  agent: "a valid configuration of an agent",
  collector: "a valid configuration of a collector",
  targets: "a valid targets file",
}

const NO_KIND =
  "none of its keys is one of an agent, a collector, a list of targets or a mesh; --kind says which it should be."

export const checkCommand: Command = {
  name: "check",
  summary: "Check configurations with all that they name, targets files and model files.",
  synopsis: "FILE... [--kind KIND]",
  about:
    "Names every problem of all files at once, each with file, line and column. Reads files only, contacts nobody.\nWarns of what would not work on this machine: folders, secrets, AWS region. A warning ends with 0.\nThe keys of a file tell whether it is a configuration, a list of targets, or declares a mesh.",
  options: [KIND_FLAG],
  examples: ["meshscope check examples/agent.yaml", "meshscope check collector.yaml targets.yaml mesh.yaml"],
  positionals: { least: 1, most: 100, name: "at least one FILE" },
  async run(args, terminal) {
    const kind = askedKind(args)
    let worst: ExitName = "ok"
    for (const file of args.positionals) {
      const exit = await checkOne(file, kind, terminal)
      if (exit !== "ok" && worst !== "refused") worst = exit
    }
    return worst
  },
}

async function checkOne(file: string, named: ConfigKind | undefined, terminal: Terminal): Promise<ExitName> {
  let text: string
  try {
    text = await fileText(file)
  } catch (error) {
    if (!(error instanceof MeshscopeError)) throw error
    terminal.error(`${plainText(error.message)}\n`)
    return "failed"
  }
  if (named === undefined && isModelText(text))
    return told(file, "a valid model file, which declares a mesh", checkedModel([{ file, text }]), terminal)
  const found = named ?? (await kindOfText(text))
  if (found === undefined && isMapping(text)) {
    terminal.error(lines([`${file}:1:1: ${NO_KIND}`]))
    return "refused"
  }
  const kind = found ?? "agent"
  const exit = told(file, WELL[kind], await checkedFile(file, text, kind, terminal.env), terminal)
  if (found === undefined)
    terminal.error(
      lines([`${file} has no key that tells its kind, so it was read as an agent's; --kind says otherwise.`]),
    )
  return exit
}

function told(file: string, well: string, checked: CheckedFile, { out, error }: Terminal): ExitName {
  if (checked.problems.length > 0) {
    error(lines(checked.problems))
    return checked.refused ? "refused" : "failed"
  }
  out(lines([`${file}: ${well}`, ...checked.told.map((text) => `  ${text}`)]))
  if (checked.warnings.length > 0)
    error(lines(["Well written, but here, as this user, this would not work:", ...checked.warnings]))
  return "ok"
}

const lines = (texts: readonly string[]): string => texts.map((text) => `${plainText(text)}\n`).join("")
