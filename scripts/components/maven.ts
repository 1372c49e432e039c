import { readdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { MeshscopeError } from "#mesh/errors.ts"
import { verify } from "./checksum.ts"
import { command } from "./command.ts"
import type { Progress } from "./progress.ts"
import type { MavenSource } from "./source.ts"

/** Fetches one file by Maven's `dependency:copy`. Maven's own repository is thrown away with the rest of the download. */
export async function obtainMaven(
  { artifact, file: pinned }: MavenSource,
  file: string,
  folder: string,
  progress: Progress,
): Promise<void> {
  const downloads = join(folder, ".download")
  const copies = join(downloads, "copies")
  await progress.step("downloading", { folder, expectedBytes: pinned.bytes }, () =>
    command("mvn", [
      "--batch-mode",
      "--quiet",
      `-Dmaven.repo.local=${join(downloads, "repository")}`,
      "dependency:copy",
      `-Dartifact=${artifact}`,
      `-DoutputDirectory=${copies}`,
    ]),
  )
  const [copied] = await readdir(copies)
  if (copied === undefined)
    throw new MeshscopeError("COMPONENT_MISSING", `Maven left no file of ${artifact}.`)
  await verify(join(copies, copied), pinned.sha256)
  await rename(join(copies, copied), file)
  await rm(downloads, { recursive: true })
}
