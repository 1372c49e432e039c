import { readdir, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

/** The most that was seen. */
export interface Weight {
  /** Resident memory of the process, bytes. */
  residentBytes: number
  /** Of all files in its queues, bytes. */
  queueBytes: number
}

/** Weighs an agent again and again, until `signal` aborts. */
export async function weigh(pid: () => number, state: string, signal: AbortSignal): Promise<Weight> {
  const most: Weight = { residentBytes: 0, queueBytes: 0 }
  while (!signal.aborted) {
    most.residentBytes = Math.max(most.residentBytes, await residentBytes(pid()))
    most.queueBytes = Math.max(most.queueBytes, await folderBytes(join(state, "queue")))
    await sleep(50)
  }
  return most
}

/** 0 when there is no such process. */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "")
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0)
}

async function folderBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const sizes = names
    .filter((name) => name.endsWith(".seg"))
    .map(async (name) => (await stat(join(folder, name)).catch(() => ({ size: 0 }))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
