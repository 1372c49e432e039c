import { chown, mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { objectsIn, RENDERED, workload } from "../../fixtures/deploy/objects.ts"
import type { Docker } from "./docker.ts"

const limits = workload(objectsIn(RENDERED[0] ?? ""), "DaemonSet")?.container.resources.limits

/** As the chart holds its agents: read-only, without a capability, under its limits. */
export const HELD: readonly string[] = [
  "--read-only",
  "--cap-drop=ALL",
  "--security-opt=no-new-privileges",
  "--network=host",
  `--memory=${(limits?.memory ?? "").toLowerCase().replace("mi", "m")}`,
  `--cpus=${limits?.cpu ?? ""}`,
]

export interface HeldOptions {
  /** `agent` or `collector` */
  readonly part: string
  /** Of its files in `folder`. */
  readonly name: string
  readonly folder: string
  /** `65532:65532` */
  readonly user: string
  readonly config: object
  /** Seen at the same place, read-only. */
  readonly reads?: readonly string[]
  readonly image: string
}

/** Starts a container that runs on, with a folder that it alone can write at /var/lib/meshscope. @returns its id */
export async function startHeld(docker: Docker, options: HeldOptions): Promise<string> {
  const { part, name, folder, user, config, reads = [], image } = options
  const file = join(folder, `${name}.yaml`)
  await writeFile(file, JSON.stringify(config))
  const state = join(folder, `state-${name}`)
  await mkdir(state, { mode: 0o700 })
  const [uid = 0, gid = 0] = user.split(":").map(Number)
  await chown(state, uid, gid)
  const volumes = [file, ...reads].map((path) => `--volume=${path}:${path}:ro`)
  const words = [...volumes, `--volume=${state}:/var/lib/meshscope`, `--user=${user}`]
  return (await docker.run("run", "--detach", ...HELD, ...words, image, part, "--config", file)).trim()
}

/** Waits until it holds, half a minute at most. @throws Error that says what was waited for */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000
  while (!(await holds().catch(() => false))) {
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}`)
    await sleep(200)
  }
}

export const answers = async (url: string): Promise<boolean> => (await fetch(url)).ok
