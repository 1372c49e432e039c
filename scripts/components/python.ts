import { copyFile, mkdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { command } from "./command.ts"
import type { Progress } from "./progress.ts"
import type { PythonSource } from "./source.ts"

/**
 * Installs Python packages into `site` below `folder`, by hash, wheels only, and nothing that is not in the list. A folder
 * of its own in place of a virtual environment: it can be renamed, and needs no more than pip.
 */
export async function obtainPython(
  { requirements, bytes, launcher }: PythonSource,
  file: string,
  folder: string,
  progress: Progress,
): Promise<void> {
  const downloads = join(folder, ".download")
  await mkdir(downloads)
  const args = ["--target", join(folder, "site"), "--requirement", join(import.meta.dirname, requirements)]
  const strict = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
  await progress.step("downloading and unpacking", { folder, expectedBytes: bytes }, () =>
    // pip writes first to its temporary folder: below ours, so that the progress is seen
    command("python3", ["-m", "pip", "install", ...args, ...strict], {
      env: {
        ...process.env,
        TMPDIR: downloads,
        PIP_DISABLE_PIP_VERSION_CHECK: "1",
        PIP_ROOT_USER_ACTION: "ignore",
      },
    }),
  )
  await copyFile(join(import.meta.dirname, launcher), file)
  await rm(downloads, { recursive: true })
}
