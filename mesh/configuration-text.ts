import { readFile } from "node:fs/promises"
import { MeshscopeError } from "./errors.ts"
import type { Environment } from "./interpolation.ts"
import { fileUnreadable } from "./system-reason.ts"

const VARIABLE = /^env:([A-Za-z_][A-Za-z0-9_]*)$/

/**
 * The text of a configuration: of the file `place`, or of the environment variable NAME where `place` is `env:NAME`. Tasks
 * of ECS have variables and no files of their own.
 * @throws MeshscopeError FILE_UNREADABLE, CONFIG_ENV_MISSING
 */
export async function configurationText(place: string, env: Environment): Promise<string> {
  const [, name] = VARIABLE.exec(place) ?? []
  if (name === undefined) {
    try {
      return await readFile(place, "utf8")
    } catch (cause) {
      throw fileUnreadable("The configuration", place, cause)
    }
  }
  const text = env[name]
  if (text !== undefined && text.trim() !== "") return text
  throw new MeshscopeError(
    "CONFIG_ENV_MISSING",
    `The environment variable ${name} holds no configuration, and --config env:${name} names it.`,
  )
}
