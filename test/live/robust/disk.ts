import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, openSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"

/** A small disk of its own: a tmpfs that only programs started with `before` see, and that is gone with this object. */
export interface SmallDisk {
  /** Where it is mounted, for those programs. */
  readonly folder: string
  /** Words to start a program with that shall see it. */
  readonly before: readonly string[]
  /** Writes one file until no byte is left. */
  readonly fill: () => void
  /** Removes that file. */
  readonly free: () => void
  stop(): Promise<void>
}

/** Works for any user whom the kernel lets make namespaces; root needs none of their own users. */
export async function startSmallDisk(folder: string, bytes: number): Promise<SmallDisk> {
  const asRoot = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"]
  const script = `mount -t tmpfs -o size=${bytes} tmpfs "$1" && echo mounted && exec sleep infinity`
  const holder = spawn("unshare", [...asRoot, "--mount", "sh", "-c", script, "sh", folder], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  await Promise.race([once(holder.stdout, "data"), ended(holder)])
  const { pid } = holder
  const inside = join(`/proc/${pid}/root`, folder, "filler")
  const user = asRoot.length === 0 ? [] : ["--user", "--preserve-credentials"]
  return {
    folder,
    before: ["nsenter", "--target", String(pid), ...user, "--mount", "--"],
    fill: () => fill(inside),
    free: () => rmSync(inside),
    async stop() {
      const exited = once(holder, "exit")
      holder.kill("SIGKILL")
      await exited
    },
  }
}

async function ended(holder: ChildProcess): Promise<never> {
  await once(holder, "exit")
  throw new Error("the small disk could not be mounted")
}

function fill(path: string): void {
  const file = openSync(path, "w")
  try {
    for (const piece of [Buffer.alloc(65_536), Buffer.alloc(4096), Buffer.alloc(1)])
      while (written(file, piece));
  } finally {
    closeSync(file)
  }
}

function written(file: number, piece: Buffer): boolean {
  try {
    return writeSync(file, piece) === piece.length
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOSPC") return false
    throw error
  }
}
