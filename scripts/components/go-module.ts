import { chmod, cp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { z } from "zod"
import { MeshscopeError } from "#mesh/errors.ts"
import { command } from "./command.ts"
import type { Progress } from "./progress.ts"
import type { GoSource, ModulePin } from "./source.ts"

const MODULE_ANSWER = z.object({ Dir: z.string(), Sum: z.string() })

/** What Go works with. `env`: from `GoCaches`. */
export interface GoWork {
  env: NodeJS.ProcessEnv
  progress: Progress
}

/**
 * Builds commands of a Go module into `folder`. The module is copied out of Go's module cache and built there, so that
 * its own go.mod counts in whole: `go install` refuses one with replace lines.
 * @param change called with the copy before it is built
 */
export async function obtainGo(
  source: GoSource,
  folder: string,
  { env, progress }: GoWork,
  change: (copy: string) => Promise<void> = async () => {},
): Promise<void> {
  const copy = join(folder, ".source")
  await progress.step(`downloading ${source.module}`, {}, async () => {
    await cp(await moduleFolder(source, env), copy, { recursive: true })
  })
  await makeWritable(copy)
  await rm(join(copy, "go.work"), { force: true })
  await rewrite(join(copy, "go.mod"), (text) => publishedOnly(text, source.staging))
  await change(copy)
  for (const [output, what] of Object.entries(source.commands)) {
    const flags = ["-tags", source.tags, "-ldflags", `-s -w ${source.ldflags}`]
    await goBuild({ cwd: copy, output: join(folder, output), what, flags }, { env, progress })
  }
  await writeDocuments(source, copy, folder)
  await rm(copy, { recursive: true })
}

export interface GoBuild {
  cwd: string
  output: string
  what: string
  flags: string[]
}

/** `go build` that tells how many packages are compiled. What Go has in its build cache is not compiled again. */
export async function goBuild(
  { cwd, output, what, flags }: GoBuild,
  { env, progress }: GoWork,
): Promise<void> {
  const options = { env, cwd }
  const all = ["-mod=mod", ...flags]
  const packages = (await command("go", ["list", "-deps", ...all, what], options)).trim().split("\n").length
  let compiled = 0
  const far = (): string => `${compiled} of ${packages} packages, `
  await progress.step(`building ${what} with Go, up to ${packages} packages`, { far }, () =>
    command("go", ["build", "-v", "-trimpath", ...all, "-o", output, what], {
      ...options,
      onErrorLine: () => compiled++,
    }),
  )
}

/** Where Go's cache keeps the module's source, after its hash was compared with the pinned one. */
export async function moduleFolder(
  { module, version, sum }: ModulePin,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const answer = await command("go", ["mod", "download", "-json", `${module}@${version}`], { env })
  const { Dir, Sum } = MODULE_ANSWER.parse(JSON.parse(answer))
  if (Sum === sum) return Dir
  throw new MeshscopeError(
    "COMPONENT_MISSING",
    `${module} ${version} is not the module that was pinned: its hash is ${Sum}, expected ${sum}. It was not built.`,
  )
}

/**
 * A go.mod whose replace lines name published modules: one that points into `staging/` gets the version that its module
 * was published in; any other that points beside go.mod goes, since the zip does not hold what it points at.
 */
export function publishedOnly(goMod: string, staging?: string): string {
  const published =
    staging === undefined ? goMod : goMod.replaceAll(/=> \.\/staging\/src\/(\S+)$/gm, `=> $1 ${staging}`)
  return published.replaceAll(/^.*=> \.\.?\/.*\n/gm, "")
}

/** Changes a text file. */
export async function rewrite(file: string, change: (text: string) => string): Promise<void> {
  await writeFile(file, change(await readFile(file, "utf8")))
}

/** YAML files of the module, several in one. */
async function writeDocuments({ documents = {} }: GoSource, copy: string, folder: string): Promise<void> {
  for (const [output, files] of Object.entries(documents)) {
    const texts = await Promise.all(files.map((file) => readFile(join(copy, file), "utf8")))
    await writeFile(join(folder, output), texts.join("\n---\n"))
  }
}

/** Go's module cache may be read-only, and then so is a copy of it. */
async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644)
  }
}
