import { readFile } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import { checkConfiguration, inOrder, problemText } from "#mesh/configuration.ts"
import { loadModel, type ModelFile } from "#mesh/declare/load.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import { fileReason } from "#mesh/system-reason.ts"
import { targetsFileSchema } from "#mesh/targets.ts"
import type { Problem, WrittenDocument } from "#mesh/written-document.ts"
import { parseAgentConfig } from "../agent/config/parse.ts"
import { hindrances } from "../agent/readiness.ts"
import { type ConfigKind, schemaOf } from "./kinds.ts"
import { counted, modelText } from "./model-text.ts"

/** What was found in a file and in those that it names. */
export interface CheckedFile {
  /** Sentences about what is well. */
  readonly told: readonly string[]
  /** One line each, with file, line and column. */
  readonly problems: readonly string[]
  /** The same of what is sound and yet cannot work here. */
  readonly warnings: readonly string[]
  /** Whether the content of a file is wrong; else, with problems, a file could not be read. */
  readonly refused: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

interface Findings {
  readonly told: string[]
  readonly warnings: Problem[]
  /** Of the file itself, and of those that it names. */
  readonly own: Problem[]
  readonly others: string[]
  refused: boolean
}

const nothing = (): Findings => ({ told: [], warnings: [], own: [], others: [], refused: false })

function result({ told, warnings, own, others, refused }: Findings): CheckedFile {
  return {
    told,
    problems: [...inOrder(own).map(problemText), ...others],
    warnings: inOrder(warnings).map(problemText),
    refused,
  }
}

/** Checks a configuration and every file that it names, also where something before was wrong. */
export async function checkedFile(
  file: string,
  text: string,
  kind: ConfigKind,
  env: Environment,
): Promise<CheckedFile> {
  const findings = nothing()
  const checked = checkConfiguration(await schemaOf(kind), { file, text, env })
  if (!checked.ok) {
    findings.own.push(...checked.problems)
    findings.refused = true
  }
  const { written } = checked
  if (kind === "targets") tellTargets(findings, "", written.value(["targets"]))
  let listed: readonly ProxyTarget[] | undefined
  if (kind === "agent") {
    tellTargets(findings, "", written.value(["discover", "static", "targets"]))
    listed = await checkTargets(findings, file, written, env)
  }
  if (kind !== "targets") await checkModel(findings, file, written)
  if (kind === "agent" && checked.ok) {
    const config = parseAgentConfig({ file, text, env, hostName: "" })
    const targets = config.discover.static?.targets ?? listed
    for (const { path, sentence } of await hindrances(config, { env, targets }))
      findings.warnings.push(written.problem("CONFIG_INVALID", path, sentence))
  }
  return result(findings)
}

/** Checks a model file by itself; what it refers to in other files is a note. */
export function checkedModel(files: readonly ModelFile[]): CheckedFile {
  const findings = nothing()
  loadInto(findings, files, (text) => text)
  return result(findings)
}

function tellTargets({ told }: Findings, before: string, targets: unknown): void {
  if (Array.isArray(targets)) told.push(`${before}${counted(targets.length, "target")}`)
}

async function checkTargets(
  findings: Findings,
  file: string,
  written: WrittenDocument,
  env: Environment,
): Promise<readonly ProxyTarget[] | undefined> {
  const named = await namedFile(findings, file, written, ["discover", "static", "file"])
  if (named === undefined) return undefined
  const checked = checkConfiguration(targetsFileSchema, { ...named, env })
  if (checked.ok) {
    tellTargets(findings, `${named.file}: `, checked.value.targets)
    return checked.value.targets
  }
  findings.others.push(...checked.problems.map(problemText))
  findings.refused = true
  return undefined
}

async function checkModel(findings: Findings, file: string, written: WrittenDocument): Promise<void> {
  const entries = written.value(["model", "files"])
  if (!Array.isArray(entries)) return
  const files: ModelFile[] = []
  for (const at of entries.keys()) {
    const named = await namedFile(findings, file, written, ["model", "files", at])
    if (named !== undefined) files.push(named)
  }
  // Each by itself first, so that one broken file does not hide the next.
  const wrong = files.filter((each) => {
    const alone = checkedModel([each])
    findings.others.push(...alone.problems)
    return alone.refused
  })
  if (wrong.length > 0) findings.refused = true
  else if (files.length > 0)
    loadInto(findings, files, (text) => `${counted(files.length, "model file")}: ${text}`)
}

function loadInto(findings: Findings, files: readonly ModelFile[], said: (text: string) => string): void {
  try {
    const { model, notes } = loadModel(files)
    findings.told.push(said(modelText(model)), ...notes.map((note) => `note: ${note}`))
  } catch (error) {
    if (!(error instanceof MeshscopeError)) throw error
    findings.others.push(...error.message.split("\n"))
    findings.refused = true
  }
}

/** The file that a setting names, by its absolute path; undefined when the setting is absent, open or cannot be read. */
async function namedFile(
  findings: Findings,
  file: string,
  written: WrittenDocument,
  path: readonly PropertyKey[],
): Promise<ModelFile | undefined> {
  const name = written.value(path)
  if (typeof name !== "string" || name === "") return undefined
  const full = resolve(dirname(file), name)
  try {
    return { file: full, text: await readFile(full, "utf8") }
  } catch (cause) {
    const sentence = `names ${full}, which cannot be read: ${fileReason(cause)}`
    findings.own.push(written.problem("FILE_UNREADABLE", path, sentence))
    return undefined
  }
}
