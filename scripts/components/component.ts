import { existsSync } from "node:fs"
import { mkdir } from "node:fs/promises"
import { join, resolve } from "node:path"
import { MeshscopeError } from "#mesh/errors.ts"
import { COMPONENTS, type ComponentName, overrideVariable } from "./catalogue.ts"
import { GoCaches } from "./go-caches.ts"
import { installed } from "./installed.ts"
import { obtain } from "./obtain.ts"
import { cacheFolder, provision } from "./provision.ts"
import type { Component } from "./source.ts"

const write = (line: string): boolean => process.stderr.write(`${line}\n`)

/**
 * The absolute path of a real component, ready to run (or to read). The first call fetches it into the user's cache
 * and tells its progress on standard error. An environment variable (`ENVOY`, `PROMETHEUS_3`) names another file to use.
 * @throws MeshscopeError COMPONENT_MISSING with what to install when it cannot be had
 */
export async function component(name: ComponentName): Promise<string> {
  let found = ""
  await components([name], (_, path) => (found = path))
  return found
}

/** Several in turn, as `component`. Those that Go builds share its caches until the last is there. */
export async function components(
  names: readonly ComponentName[],
  onReady: (name: ComponentName, path: string) => void,
): Promise<void> {
  const cache = cacheFolder(process.env)
  const goCaches = new GoCaches(cache, process.env)
  try {
    for (const name of names) onReady(name, await ready(name, cache, goCaches))
  } finally {
    await goCaches.close()
  }
}

async function ready(name: ComponentName, cache: string, goCaches: GoCaches): Promise<string> {
  const override = overridden(name, process.env)
  if (override !== undefined) return override
  const wanted: Component = COMPONENTS[name]
  if (!("file" in wanted)) {
    await mkdir(cache, { recursive: true })
    const lockFile = join(cache, `${name}.lock`)
    return installed(wanted.package, { lockFile, root: process.getuid?.() === 0, write })
  }
  const { file } = wanted
  const folder = await provision(wanted.package, {
    cache,
    obtain: (into, progress) => obtain(wanted.package.source, { file, folder: into }, progress, goCaches),
    write,
  })
  return join(folder, file)
}

/** The file that the component's own environment variable names, if any. */
export function overridden(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const variable = overrideVariable(name)
  const value = env[variable]
  if (value === undefined || value === "") return undefined
  const path = resolve(value)
  if (existsSync(path)) return path
  throw new MeshscopeError("COMPONENT_MISSING", `${variable} names ${path}, and there is no such file.`)
}
