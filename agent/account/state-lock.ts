import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { MeshscopeError } from "#mesh/errors.ts"
import { makeFolder } from "#mesh/folder.ts"
import { SqliteCode, sqliteCode, stateError } from "./state-errors.ts"

/** Held while an agent uses a state folder. */
export interface StateLock {
  release(): void
}

/**
 * Takes the folder for this process. The lock is the kernel's own on a file of SQLite's: it ends with the process that
 * held it, however that ended, so none is ever stale. Throws STATE_LOCKED, or STATE_UNWRITABLE.
 */
export function lockFolder(folder: string): StateLock {
  const path = join(folder, "lock.sqlite")
  let database: DatabaseSync | undefined
  try {
    makeFolder(folder, 0o700)
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec("pragma journal_mode=memory; begin exclusive")
  } catch (cause) {
    database?.close()
    if (sqliteCode(cause) !== SqliteCode.busy) throw stateError(cause, path)
    throw new MeshscopeError(
      "STATE_LOCKED",
      `Another agent uses ${folder}. Give each agent its own folder.`,
      { cause },
    )
  }
  const held = database
  return { release: () => held.close() }
}
