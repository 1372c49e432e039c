import { DatabaseSync } from "node:sqlite"
import { setTimeout as sleep } from "node:timers/promises"

const RETRY_MS = 200

/**
 * Runs `work` while no other process that asks for the same file does. The lock is SQLite's on an empty database:
 * the kernel drops it when its holder dies, so there is never a stale one to clear.
 * @param onWait called once when somebody else holds it
 */
export async function exclusively<T>(file: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  const lock = new DatabaseSync(file, { timeout: 0 })
  try {
    for (let tries = 0; !tryLock(lock); tries++) {
      if (tries === 0) onWait()
      await sleep(RETRY_MS)
    }
    return await work()
  } finally {
    lock.close()
  }
}

function tryLock(lock: DatabaseSync): boolean {
  try {
    lock.exec("BEGIN EXCLUSIVE")
    return true
  } catch (error) {
    if (error instanceof Error && /locked/.test(error.message)) return false
    throw error
  }
}
