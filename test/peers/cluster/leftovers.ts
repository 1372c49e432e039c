import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

const LINKS = "/var/log/containers"
const NAMESPACES = "/run/netns"
/** What the network plugins answered, by network, container and interface. */
const RESULTS = "/var/lib/cni/results"
const TRIES = 50

/** The network namespaces that there are, by name. */
export const namespacesNow = (): ReadonlySet<string> => new Set(namesIn(NAMESPACES))

/**
 * Ends what still runs out of a cluster's folder (containers and their shims outlive containerd), and takes away what
 * kubelet and containerd leave outside of it.
 * @param before network namespaces that are somebody else's
 */
export async function sweep(folder: string, before: ReadonlySet<string>): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const running = processesOf(folder)
    if (running.length === 0) break
    for (const pid of running) kill(pid)
    await sleep(100)
  }
  const points = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((point) => point.startsWith(`${folder}/`))
  for (const point of points.toReversed()) unmount(point)
  for (const name of namesIn(NAMESPACES)) {
    if (!name.startsWith("cni-") || before.has(name)) continue
    unmount(join(NAMESPACES, name))
    rmSync(join(NAMESPACES, name), { force: true })
  }
  removeResults()
  for (const name of namesIn(LINKS)) if (leadsTo(join(LINKS, name), folder)) rmSync(join(LINKS, name))
}

/** Arguments of a process, each ended by a zero byte; empty: it is gone. */
export const argumentsOf = (pid: number): string => textOf(`/proc/${pid}/cmdline`)

/** Those that were told of the folder, and those whose root is in it. */
export function processesOf(folder: string): readonly number[] {
  return namesIn("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid)
    .filter((pid) => {
      const told = argumentsOf(pid)
      const mounts = textOf(`/proc/${pid}/mountinfo`).split("\n")
      const root = mounts.find((line) => line.split(" ")[4] === "/") ?? ""
      return told.includes(`${folder}/`) || root.includes(`${folder}/`)
    })
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It has ended meanwhile.
  }
}

/** Two names of one mount point are unmounted together, so the second may be gone. */
function unmount(point: string): void {
  try {
    execFileSync("umount", ["--lazy", point], { stdio: "pipe" })
  } catch {
    // Nothing is mounted there.
  }
}

/** Of this network, and of the loopback of the same containers. */
function removeResults(): void {
  const names = namesIn(RESULTS)
  const own = names.flatMap((name) => /^meshscope-([0-9a-f]+)-/.exec(name)?.slice(1) ?? [])
  for (const name of names)
    if (own.some((id) => name.includes(id))) rmSync(join(RESULTS, name), { force: true })
}

function leadsTo(link: string, folder: string): boolean {
  try {
    return readlinkSync(link).startsWith(folder)
  } catch {
    return false
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return ""
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
