import { existsSync } from "node:fs"
import { MeshscopeError } from "#mesh/errors.ts"
import { command } from "./command.ts"
import { exclusively } from "./lock.ts"
import { lineProgress } from "./progress.ts"
import type { InstalledSource, Package } from "./source.ts"

export interface InstallDeps {
  /** Two processes must not install at once: the file that they lock. */
  lockFile: string
  /** Whether this process may install packages. */
  root: boolean
  write: (line: string) => void
}

/**
 * The path of a program that Debian's packages install; installs them when it is not there and this process is root.
 * @throws MeshscopeError COMPONENT_MISSING with the command to run as root
 */
export async function installed(
  { name, version, source, otherwise }: Package<InstalledSource>,
  { lockFile, root, write }: InstallDeps,
): Promise<string> {
  const ready = found(source)
  if (ready !== undefined) return ready
  // without root it is taken as it is: fonts may lie elsewhere
  const bare = source.paths.find((path) => existsSync(path))
  if (!root && bare !== undefined) return bare
  if (!root) throw new MeshscopeError("COMPONENT_MISSING", `There is no ${name} here. ${otherwise}`)
  const waiting = (): void => write(`${name}: another process installs it, waiting`)
  await exclusively(lockFile, waiting, async () => {
    if (found(source) === undefined) await install(source, lineProgress(`${name} ${version}`, write))
  })
  const path = found(source)
  if (path === undefined) {
    throw new MeshscopeError(
      "COMPONENT_MISSING",
      `${name} was installed and is in none of ${source.paths.join(", ")}. ${otherwise}`,
    )
  }
  return path
}

function found({ paths, alsoNeeded }: InstalledSource): string | undefined {
  return alsoNeeded.every((path) => existsSync(path)) ? paths.find((path) => existsSync(path)) : undefined
}

function install({ packages }: InstalledSource, progress: ReturnType<typeof lineProgress>): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  const aptGet = (...args: string[]): Promise<string> => command("apt-get", ["-q", "-y", ...args], { env })
  const installNow = (): Promise<string> => aptGet("install", "--no-install-recommends", ...packages)
  return progress.step(`installing ${packages.join(", ")}`, {}, async () => {
    // the lists may be missing, or name a version that is gone
    await installNow().catch(async () => {
      await aptGet("update")
      await installNow()
    })
  })
}
