import { type Dirent, readdirSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import type { BudgetMember, QueueBudget } from "./queue-budget.ts"

/** What waits for a sink that is not configured any more. */
export interface UnusedQueue {
  readonly sink: string
  readonly folder: string
  readonly bytes: number
}

export interface UnusedQueuesOptions {
  /** Of all queues, e.g. `<state>/queue`. */
  readonly folder: string
  /** Names of the sinks that are configured. */
  readonly sinks: readonly string[]
  readonly budget: QueueBudget
}

/**
 * Finds queues that nobody sends. They count against the budget, and where its policy lets the oldest leave, their files
 * may have to.
 */
export function findUnusedQueues({ folder, sinks, budget }: UnusedQueuesOptions): UnusedQueue[] {
  const unused: UnusedQueue[] = []
  for (const entry of entriesOf(folder)) {
    if (!entry.isDirectory() || sinks.includes(entry.name)) continue
    const own = join(folder, entry.name)
    const files = filesOf(own)
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
    if (bytes === 0) continue
    unused.push({ sink: entry.name, folder: own, bytes })
    budget.join(unusedMember(files, bytes))
  }
  return unused
}

/** What to tell the user. */
export function unusedQueueNote({ sink, folder, bytes }: UnusedQueue): string {
  return `${folder} holds ${bytes} bytes for the output ${sink}, which is not configured. They count against the budget of all queues: configure it again to send them, or delete the folder.`
}

interface QueueFile {
  readonly path: string
  readonly bytes: number
}

function unusedMember(files: QueueFile[], all: number): BudgetMember {
  let bytes = all
  return {
    get bytes() {
      return bytes
    },
    doomedBytes: 0,
    dropOldest() {
      const oldest = files.shift()
      if (oldest === undefined) return false
      bytes -= oldest.bytes
      try {
        rmSync(oldest.path, { force: true })
      } catch {
        // It stays, and nobody can help it: appending goes on.
      }
      return true
    },
    removeDoomed: () => undefined,
  }
}

function filesOf(folder: string): QueueFile[] {
  const names = entriesOf(folder).filter((entry) => entry.isFile() && entry.name.endsWith(".seg"))
  return names
    .map(({ name }) => join(folder, name))
    .toSorted()
    .map((path) => ({ path, bytes: statSync(path).size }))
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    // Missing: nothing is there. Not readable: `openQueue` says so for those that are configured.
    return []
  }
}
