import { MeshscopeError } from "#mesh/errors.ts"
import { fileReason } from "#mesh/system-reason.ts"

/** Primary result codes of SQLite that mean something of their own here (sqlite.org/rescode.html). */
export const SqliteCode = { busy: 5, corrupt: 11, notADatabase: 26 } as const

/** The primary result code of an error of `node:sqlite`, or undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  const extended = error instanceof Error && "errcode" in error ? error.errcode : undefined
  return typeof extended === "number" ? extended & 0xff : undefined
}

/** Any error of the state file as one of ours: damaged, or not writable now. */
export function stateError(cause: unknown, path: string): MeshscopeError {
  if (cause instanceof MeshscopeError) return cause
  const code = sqliteCode(cause)
  const why = fileReason(cause)
  const bad = code === SqliteCode.corrupt || code === SqliteCode.notADatabase || cause instanceof SyntaxError
  return bad
    ? new MeshscopeError("STATE_CORRUPT", `${path} is damaged: ${why}.`, { cause })
    : new MeshscopeError("STATE_UNWRITABLE", `${path} cannot be written: ${why}.`, { cause, retryable: true })
}
