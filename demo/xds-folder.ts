import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"

/** Route and endpoint files come before what names them, so that Envoy never waits for a file. */
const order = (name: string): number => (name === "lds.json" ? 2 : name === "cds.json" ? 1 : 0)

/**
 * Writes what differs, each file by rename: Envoy watches for files that are moved into place.
 * @returns names of the files that changed
 */
export async function writeXds(
  folder: string,
  files: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true })
  const changed: string[] = []
  for (const [name, content] of [...files].toSorted(([a], [b]) => order(a) - order(b))) {
    const path = join(folder, name)
    if ((await currentContent(path)) === content) continue
    await writeFile(`${path}.new`, content)
    await rename(`${path}.new`, path)
    changed.push(name)
  }
  return changed
}

async function currentContent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8")
  } catch {
    return undefined
  }
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
}
