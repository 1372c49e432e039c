import { open, readFile, rename, stat } from "node:fs/promises"
import { dirname } from "node:path"
import type { ParsedModel } from "#mesh/declare/parsed.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { makeFolder } from "#mesh/folder.ts"
import type { ModelSource, ReportModel } from "#mesh/model-source.ts"
import { MOST_MODEL_BYTES, modelText, readModelText } from "#mesh/model-text.ts"
import { fileReason } from "#mesh/system-reason.ts"

/**
 * What was kept of a source, for a start while it is away; undefined where nothing was.
 * @throws MeshscopeError STATE_CORRUPT; the source will tell it again
 */
export async function keptModel(file: string): Promise<ParsedModel | undefined> {
  try {
    if ((await stat(file)).size > MOST_MODEL_BYTES) throw new Error("it is too large")
    return readModelText(await readFile(file, "utf8"), `kept in ${file}`)
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined
    throw new MeshscopeError(
      "STATE_CORRUPT",
      `The declared model kept in ${file} cannot be used: ${cause instanceof Error ? cause.message : ""} It is asked for again.`,
      { cause },
    )
  }
}

/** Keeps on disk what the source tells, whole or not at all. */
export function keepingModel(source: ModelSource, file: string, report: ReportModel): ModelSource {
  return {
    async run(emit, signal) {
      let writing: Promise<void> | undefined
      let newest: ParsedModel | undefined
      const write = async (): Promise<void> => {
        while (newest !== undefined) {
          const model = newest
          newest = undefined
          await keep(file, modelText(model)).then(() => report(undefined), report)
        }
        writing = undefined
      }
      await source.run((model) => {
        emit(model)
        newest = model
        writing ??= write()
      }, signal)
      await writing
    },
  }
}

/** A crash leaves the file before or the one after, never a part. */
async function keep(file: string, text: string): Promise<void> {
  try {
    makeFolder(dirname(file), 0o700)
    const fresh = `${file}.new`
    const handle = await open(fresh, "w", 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(fresh, file)
  } catch (cause) {
    throw new MeshscopeError(
      "STATE_UNWRITABLE",
      `The declared model cannot be kept in ${file}: ${fileReason(cause)}. Until it can, a restart without its source has no names.`,
      { cause },
    )
  }
}
