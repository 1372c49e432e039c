import { loadModel } from "#mesh/declare/load.ts"
import type { DeclaredModel } from "#mesh/declared.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { plainText } from "#mesh/plain-text.ts"
import { parseTargets } from "#mesh/targets.ts"
import { readModel } from "../agent/model.ts"
import type { Command, ExitName, Terminal } from "./command.ts"
import { fileText, KIND_FLAG, parsed } from "./config.ts"
import { type ConfigKind, isModelText, kindNamed, kindOfText } from "./kinds.ts"

export const checkCommand: Command = {
  name: "check",
  summary:
    "Check configuration files, the model and target files that they name, and model files by themselves.",
  synopsis: "FILE... [--kind KIND]",
  about: "Names every problem with file, line and column. Contacts nobody.",
  options: [KIND_FLAG],
  examples: ["meshscope check examples/agent.yaml", "meshscope check collector.yaml targets.yaml"],
  positionals: { least: 1, most: 100, name: "at least one FILE" },
  async run(args, terminal) {
    const named = args.values.get("kind")
    const kind = named === undefined ? undefined : kindNamed(named)
    let worst: ExitName = "ok"
    for (const file of args.positionals) {
      const text = await fileText(file)
      const exit =
        kind === undefined && isModelText(text)
          ? checkModelFile(file, text, terminal)
          : await checkFile(file, text, kind ?? (await kindOfText(text)), terminal)
      if (exit !== "ok" && worst !== "refused") worst = exit
    }
    return worst
  },
}

/** A model file by itself; what it refers to in other files is a note. */
function checkModelFile(file: string, text: string, terminal: Terminal): ExitName {
  const say = (line: string): void => terminal.out(`${plainText(line)}\n`)
  try {
    const { model, notes } = loadModel([{ file, text }])
    say(`${file}: a valid model file, which declares a mesh`)
    say(`  ${modelText(model)}`)
    for (const note of notes) say(`  note: ${note}`)
    return "ok"
  } catch (error) {
    if (!(error instanceof MeshscopeError)) throw error
    terminal.error(`${plainText(file)}: a model file that is wrong:\n`)
    return refusal(error, terminal)
  }
}

function refusal({ code, message }: MeshscopeError, terminal: Terminal): ExitName {
  for (const line of message.split("\n")) terminal.error(`${plainText(line)}\n`)
  return code === "FILE_UNREADABLE" ? "failed" : "refused"
}

async function checkFile(
  file: string,
  text: string,
  kind: ConfigKind,
  terminal: Terminal,
): Promise<ExitName> {
  const say = (line: string): void => terminal.out(`${plainText(line)}\n`)
  try {
    const config = await parsed(kind, file, text, terminal)
    say(
      `${file}: a valid ${kind === "targets" ? "targets file" : `configuration of ${kind === "agent" ? "an agent" : "a collector"}`}`,
    )
    if ("targets" in config && Array.isArray(config.targets))
      say(`  ${counted(config.targets.length, "target")}`)
    await checkTargets(config, terminal, say)
    await checkModel(config, say)
    return "ok"
  } catch (error) {
    if (!(error instanceof MeshscopeError)) throw error
    return refusal(error, terminal)
  }
}

async function checkTargets(config: object, terminal: Terminal, say: (line: string) => void): Promise<void> {
  const discovery = part(part(config, "discover"), "static")
  const inline = part(discovery, "targets")
  if (Array.isArray(inline)) say(`  ${counted(inline.length, "target")}`)
  const file = part(discovery, "file")
  if (typeof file !== "string") return
  const targets = parseTargets({ file, text: await fileText(file), env: terminal.env })
  say(`  ${file}: ${counted(targets.length, "target")}`)
}

async function checkModel(config: object, say: (line: string) => void): Promise<void> {
  const files = part(part(config, "model"), "files")
  if (!Array.isArray(files) || files.length === 0) return
  const { model, notes } = await readModel(files.map(String))
  say(`  ${counted(files.length, "model file")}: ${modelText(model)}`)
  for (const note of notes) say(`  note: ${note}`)
}

function part(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? Reflect.get(value, key)
    : undefined
}

function modelText({ meshes }: DeclaredModel): string {
  const sum = (count: (mesh: DeclaredModel["meshes"][number]) => number): number =>
    meshes.reduce((total, mesh) => total + count(mesh), 0)
  return [
    counted(meshes.length, "mesh", "meshes"),
    counted(
      sum((mesh) => mesh.virtualGateways.length),
      "virtual gateway",
    ),
    counted(
      sum((mesh) => mesh.virtualServices.length),
      "virtual service",
    ),
    counted(
      sum((mesh) => mesh.virtualRouters.length),
      "virtual router",
    ),
    counted(
      sum((mesh) => mesh.virtualNodes.length),
      "virtual node",
    ),
  ].join(", ")
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
