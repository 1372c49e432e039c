import { mkdir, readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { MeshscopeError } from "#mesh/errors.ts"
import { type AptLists, downloadFailure, ownLists, systemLists, testingLists } from "./apt-lists.ts"
import type { DebianSource } from "./catalogue.ts"
import { verify } from "./checksum.ts"
import { chip } from "./chip.ts"
import { command } from "./command.ts"
import type { Progress } from "./progress.ts"

/** Fetches Debian packages by apt-get and unpacks them below `folder` (`usr/bin/...`). Needs no root, installs nothing. */
export async function obtainDebian(source: DebianSource, folder: string, progress: Progress): Promise<void> {
  const downloads = join(folder, ".download")
  await mkdir(downloads)
  const lists = await usableLists(source, downloads, progress)
  for (const wanted of source.packages) await obtainPackage(wanted, lists, folder, downloads, progress)
  await rm(downloads, { recursive: true })
}

/** The system's own lists when they know every package, else fresh ones in a folder of ours. */
async function usableLists(source: DebianSource, downloads: string, progress: Progress): Promise<AptLists> {
  if (source.suite === "testing") return testingLists(downloads, progress)
  for (const { name } of source.packages) {
    if ((await downloadFailure(systemLists, name)) !== undefined) return ownLists(downloads, progress)
  }
  return systemLists
}

async function obtainPackage(
  { name, version, files }: DebianSource["packages"][number],
  lists: AptLists,
  folder: string,
  downloads: string,
  progress: Progress,
): Promise<void> {
  const pinned = files[chip()]
  const served = (await downloadFailure(lists, `${name}=${version}`)) === undefined
  const asked = served ? `${name}=${version}` : name
  if (!served)
    progress.note(`${name} ${version} is not served any more: the newest is taken, on apt's signature`)
  await progress.step(`downloading ${name}`, { folder: downloads, expectedBytes: pinned.bytes }, () =>
    command("apt-get", [...lists, "download", asked], { cwd: downloads }),
  )
  const file = (await readdir(downloads)).find((entry) => entry.startsWith(`${name}_`))
  if (file === undefined) throw new MeshscopeError("COMPONENT_MISSING", `apt-get left no package ${name}.`)
  if (served) await verify(join(downloads, file), pinned.sha256)
  await command("dpkg", ["-x", join(downloads, file), folder])
}
