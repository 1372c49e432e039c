import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { sweep } from "./leftovers.ts"
import { makeBridge, removeBridge } from "./network.ts"

/** Who has the node's network now: there is one on a machine. */
const RECORD = "/run/meshscope-cluster.json"

interface Owner {
  readonly pid: number
  readonly folder: string
  readonly before: readonly string[]
}

/** Makes the network for a cluster; what a killed run left is ended first. @throws Error while another one runs */
export async function claimNetwork(folder: string, before: ReadonlySet<string>): Promise<void> {
  const last = owner()
  if (last !== undefined && isRunning(last.pid))
    throw new Error(`Process ${last.pid} runs a cluster already.`)
  if (last !== undefined) {
    await sweep(last.folder, new Set(last.before))
    rmSync(last.folder, { recursive: true, force: true })
    releaseNetwork()
  }
  writeFileSync(RECORD, JSON.stringify({ pid: process.pid, folder, before: [...before] } satisfies Owner))
  makeBridge()
}

export function releaseNetwork(): void {
  removeBridge()
  rmSync(RECORD, { force: true })
}

function owner(): Owner | undefined {
  try {
    return JSON.parse(readFileSync(RECORD, "utf8")) as Owner
  } catch {
    return undefined
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
