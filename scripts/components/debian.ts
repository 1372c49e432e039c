import { mkdir, readdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { MeshscopeError } from "#mesh/errors.ts"
import { type AptLists, canDownload, ownLists, systemLists, testingLists } from "./apt-lists.ts"
import { verify } from "./checksum.ts"
import { chip } from "./chip.ts"
import { command } from "./command.ts"
import type { Progress } from "./progress.ts"
import type { DebianPackage, DebianSource } from "./source.ts"

/** Fetches Debian packages by apt-get and unpacks them below `folder` (`usr/bin/...`). Needs no root, installs nothing. */
export async function obtainDebian(source: DebianSource, folder: string, progress: Progress): Promise<void> {
  const downloads = join(folder, ".download")
  await mkdir(downloads)
  const obtainAll = async (lists: AptLists): Promise<void> => {
    for (const wanted of source.packages) await obtainPackage(wanted, lists, folder, downloads, progress)
  }
  if (source.suite === "testing") await obtainAll(await testingLists(downloads, progress))
  else if (!(await known(source))) await obtainAll(await ownLists(downloads, progress))
  else {
    // lists that were read long ago name files that are gone
    await obtainAll(systemLists).catch(async () => obtainAll(await ownLists(downloads, progress)))
  }
  await rm(downloads, { recursive: true })
  for (const [file, program] of Object.entries(source.launchers ?? {})) {
    await writeFile(join(folder, file), launcher(program), { mode: 0o755 })
  }
}

/** A program that was only unpacked does not find its libraries, nor the programs that it starts. */
const launcher = (program: string): string => `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
export PATH="$here/usr/bin:$here/usr/sbin:$PATH"
export LD_LIBRARY_PATH="$(echo "$here"/usr/lib/*-linux-gnu)\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
exec "$here/${program}" "$@"
`

/** Whether the system's own lists have every package, in whichever version. */
async function known({ packages }: DebianSource): Promise<boolean> {
  for (const { name } of packages) if (!(await canDownload(systemLists, name))) return false
  return true
}

async function obtainPackage(
  { name, version, files }: DebianPackage,
  lists: AptLists,
  folder: string,
  downloads: string,
  progress: Progress,
): Promise<void> {
  const pinned = files[chip()]
  const served = await canDownload(lists, `${name}=${version}`)
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
  await rm(join(downloads, file))
}
