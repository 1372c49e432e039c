import { existsSync } from "node:fs"
import { mkdir, rename, rm } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { MeshscopeError } from "#mesh/errors.ts"
import { exclusively } from "./lock.ts"
import { lineProgress, type Progress } from "./progress.ts"
import type { Package } from "./source.ts"

/** Fills an empty folder with a package. */
export type Obtain = (folder: string, progress: Progress) => Promise<void>

export interface ProvisionDeps {
  /** Where folders of packages lie. */
  cache: string
  obtain: Obtain
  /** Takes one line of progress, without a line end. */
  write: (line: string) => void
}

/** `${XDG_CACHE_HOME:-~/.cache}/meshscope` */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  return join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "meshscope")
}

/**
 * The folder of a package, filled on the first call. It is made under another name and renamed when it is whole,
 * so a folder with the right name is ready; a second process waits for the first.
 * @throws MeshscopeError COMPONENT_MISSING with the cause and what to install instead
 */
export async function provision(wanted: Package, { cache, obtain, write }: ProvisionDeps): Promise<string> {
  const title = `${wanted.name} ${wanted.version}`
  const folder = join(cache, `${wanted.name}-${wanted.version}`)
  if (existsSync(folder)) return folder
  await mkdir(cache, { recursive: true })
  await exclusively(
    `${folder}.lock`,
    () => write(`${title}: another process fetches it, waiting`),
    async () => {
      if (existsSync(folder)) return
      const partial = `${folder}.partial`
      // what is left of a process that died: we hold the lock, so nobody works in it
      await rm(partial, { recursive: true, force: true })
      await mkdir(partial)
      try {
        await obtain(partial, lineProgress(title, write))
      } catch (cause) {
        await rm(partial, { recursive: true, force: true })
        throw explained(wanted, cause)
      }
      await rename(partial, folder)
    },
  )
  return folder
}

function explained(wanted: Package, cause: unknown): MeshscopeError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new MeshscopeError(
    "COMPONENT_MISSING",
    `${wanted.name} ${wanted.version} could not be fetched: ${reason}\n${wanted.otherwise}`,
    { cause },
  )
}
