import { chmod, cp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { z } from "zod"
import { MeshscopeError } from "#mesh/errors.ts"
import type { GoSource } from "./catalogue.ts"
import { type CommandOptions, command } from "./command.ts"
import type { Progress } from "./progress.ts"

const MODULE_ANSWER = z.object({ Dir: z.string(), Sum: z.string() })

/**
 * Builds commands of a Go module into `folder`. The module is copied out of Go's module cache and built there, so that
 * its own go.mod counts in whole: `go install` refuses one with replace lines.
 */
export async function obtainGo(source: GoSource, folder: string, progress: Progress): Promise<void> {
  const copy = join(folder, ".source")
  await progress.step(`downloading ${source.module}`, {}, async () => {
    await cp(await moduleFolder(source), copy, { recursive: true })
  })
  await makeWritable(copy)
  await rm(join(copy, "go.work"), { force: true })
  await dropLocalReplacements(join(copy, "go.mod"))
  for (const [output, what] of Object.entries(source.commands)) {
    const flags = ["-tags", source.tags, "-ldflags", `-s -w ${source.ldflags}`]
    await goBuild({ cwd: copy, output: join(folder, output), what, flags }, progress)
  }
  await rm(copy, { recursive: true })
}

export interface GoBuild {
  cwd: string
  output: string
  what: string
  flags: string[]
}

/** `go build` that tells how many packages are compiled. What Go has in its build cache is not compiled again. */
export async function goBuild({ cwd, output, what, flags }: GoBuild, progress: Progress): Promise<void> {
  const options = goOptions(cwd)
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

/** A workspace or a C compiler of the machine must not change what is built. */
const goOptions = (cwd?: string): CommandOptions => ({
  env: {
    ...process.env,
    GOWORK: "off",
    CGO_ENABLED: "0",
    GOFLAGS: `${process.env["GOFLAGS"] ?? ""} -buildvcs=false`,
  },
  ...(cwd === undefined ? {} : { cwd }),
})

/** Where Go's cache keeps the module's source, after its hash was compared with the pinned one. */
async function moduleFolder({ module, version, sum }: GoSource): Promise<string> {
  const answer = await command("go", ["mod", "download", "-json", `${module}@${version}`], goOptions())
  const { Dir, Sum } = MODULE_ANSWER.parse(JSON.parse(answer))
  if (Sum === sum) return Dir
  throw new MeshscopeError(
    "COMPONENT_MISSING",
    `${module} ${version} is not the module that was pinned: its hash is ${Sum}, expected ${sum}. It was not built.`,
  )
}

/** Replace lines that point beside the module, at what its zip does not hold; the published modules serve instead. */
async function dropLocalReplacements(goMod: string): Promise<void> {
  const text = await readFile(goMod, "utf8")
  await writeFile(goMod, text.replaceAll(/^.*=> \.\.?\/.*\n/gm, ""))
}

/** Go's module cache is read-only, and so is a copy of it. */
async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644)
  }
}
