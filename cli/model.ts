import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { loadModel, type ModelFile } from "#mesh/declare/load.ts"
import { snapshotOf } from "#mesh/declare/stored/snapshot.ts"
import { modelText as documentText } from "#mesh/model-text.ts"
import { plainJson, plainText } from "#mesh/plain-text.ts"
import { type Command, UsageError } from "./command.ts"
import { fileText } from "./config.ts"
import { modelText } from "./model-text.ts"

export const modelCommand: Command = {
  name: "model",
  summary: "Print the mesh that files declare, or make one snapshot of saved App Mesh answers.",
  synopsis: "FILE|FOLDER... [--snapshot]",
  about:
    "Reads Kubernetes objects of App Mesh, Istio and the Gateway API, saved answers of the App Mesh API, CloudFormation\ntemplates with values of their parameters, and Terraform state. Of a folder, files of these kinds are read.\nPrints JSON; what was counted and passed over goes to standard error.",
  options: [
    {
      name: "snapshot",
      help: "Print one normalised snapshot of App Mesh resources, to be kept and named by model.files.",
    },
  ],
  examples: [
    "meshscope model mesh.yaml | jq '.model.meshes[].virtualServices[].name'",
    "meshscope model --snapshot saved-answers/ > snapshot.json",
  ],
  positionals: { least: 1, most: 1000, name: "at least one FILE or FOLDER" },
  async run({ positionals, switches }, { out, error }) {
    const files = await filesOf(positionals)
    if (files.length === 0) throw new UsageError("No file there is of a kind that declares a mesh.")
    const snapshot = switches.has("snapshot")
    const { model, notes, text } = snapshot ? snapshotOf(files) : declared(files)
    out(plainJson(text))
    error(
      [modelText(model), ...notes.map((note) => `note: ${note}`)]
        .map((line) => `${plainText(line)}\n`)
        .join(""),
    )
    return "ok"
  },
}

function declared(files: readonly ModelFile[]): ReturnType<typeof snapshotOf> {
  const parsed = loadModel(files)
  return { ...parsed, text: `${documentText(parsed)}\n` }
}

/** Endings of what a model is read from. */
const ENDING = /\.(?:json|ya?ml|tfstate|template)$/

/** Each file by name, those of a folder and of the folders in it in the order of their names. */
async function filesOf(names: readonly string[]): Promise<ModelFile[]> {
  const files: ModelFile[] = []
  for (const name of names) {
    const found = await inFolder(name)
    for (const file of found ?? [name]) files.push({ file, text: await fileText(file) })
  }
  return files
}

/** Undefined for what is no folder. */
async function inFolder(name: string): Promise<readonly string[] | undefined> {
  try {
    const entries = await readdir(name, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile() && ENDING.test(entry.name))
    return files.map(({ parentPath, name: file }) => join(parentPath, file)).toSorted()
  } catch {
    return undefined
  }
}
