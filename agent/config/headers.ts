import { MeshscopeError } from "#mesh/errors.ts"
import type { Environment } from "#mesh/interpolation.ts"
import { fileUnreadable } from "#mesh/system-reason.ts"
import type { HeadersConfig, SecretReference } from "./header-schema.ts"

export interface HeaderDeps {
  readonly env: Environment
  /** Text of a file; rejects when it cannot be read. */
  readonly readFile: (path: string) => Promise<string>
}

/**
 * Headers with their secrets filled in. Call it before each request: files with tokens are replaced while we run.
 * @throws MeshscopeError FILE_UNREADABLE (retryable), CONFIG_ENV_MISSING. Messages hold no secret.
 */
export async function filledHeaders(
  headers: HeadersConfig,
  deps: HeaderDeps,
): Promise<Readonly<Record<string, string>>> {
  const filled: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers))
    filled[name] = typeof value === "string" ? value : `${value.prefix}${await secret(name, value, deps)}`
  return filled
}

async function secret(name: string, { file, env }: SecretReference, deps: HeaderDeps): Promise<string> {
  if (file !== undefined) return oneLine(name, await fileText(name, file, deps))
  const value = env === undefined ? undefined : deps.env[env]
  if (value !== undefined && value !== "") return oneLine(name, value)
  throw new MeshscopeError(
    "CONFIG_ENV_MISSING",
    `The environment variable ${env} for the header ${name} is not set: set it and start the agent again, or name a file.`,
  )
}

async function fileText(name: string, file: string, deps: HeaderDeps): Promise<string> {
  try {
    return await deps.readFile(file)
  } catch (cause) {
    throw fileUnreadable(`The value of the header ${name}: the file`, file, cause, true)
  }
}

/** A line break inside a value would begin another header. */
function oneLine(name: string, text: string): string {
  const value = text.trim()
  if (/^[\t\u0020-\u007E]+$/.test(value)) return value
  throw new MeshscopeError(
    "CONFIG_INVALID",
    `The value of the header ${name} is empty or holds characters that a header may not.`,
  )
}
