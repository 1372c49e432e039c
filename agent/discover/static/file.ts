import { readFile, stat } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import type { Clock } from "#mesh/clock.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { Environment } from "#mesh/interpolation.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import { fileUnreadable } from "#mesh/system-reason.ts"
import { parseTargets } from "#mesh/targets.ts"
import type { Discovery, ReportProblem } from "../contract.ts"

/** A targets file of 10,000 proxies has about 2 MB; more is not one. */
const MOST_BYTES = 16 * 1024 ** 2
/** A changed file must stay as it is for this long before it is taken. */
const SETTLE_MS = 100

export interface FileDiscoveryConfig {
  /** Absolute path of a YAML file with `targets:`. */
  readonly file: string
  /** Milliseconds between two looks. */
  readonly interval: number
}

export interface FileDiscoveryDeps {
  readonly clock: Clock
  /** What `${NAME}` in the file refers to. */
  readonly env: Environment
  readonly report: ReportProblem
  /** Told once when the file can be read again after a problem. */
  readonly mended?: () => void
}

/**
 * Proxies from a file that may change while we run. The file is looked at by its path each time, so replacing it by a
 * rename, or by the symbolic links of a Kubernetes ConfigMap, is seen like a write.
 */
export function fileDiscovery(config: FileDiscoveryConfig, deps: FileDiscoveryDeps): Discovery {
  return {
    async run(emit, signal) {
      let seen: Seen = { stamp: "", text: undefined }
      let troubled = false
      while (!signal.aborted) {
        try {
          const now = await look(config.file, seen, () => deps.clock.sleep(SETTLE_MS, signal))
          if (now.text !== undefined && now.text !== seen.text && !signal.aborted)
            emit(placed(now.text, config.file, deps.env))
          // After a problem the look is forgotten: the same again means that the writer has not paused yet.
          if (troubled && now !== seen) {
            troubled = false
            deps.mended?.()
          }
          seen = now
        } catch (error) {
          troubled = true
          // Forget the look, so that the same broken file is reported until it is mended.
          seen = { stamp: "", text: seen.text }
          deps.report(error instanceof Error ? error : new Error(String(error)))
        }
        await deps.clock.sleep(config.interval, signal)
      }
    },
  }
}

interface Seen {
  /** What `stat` told of the file whose text this is; a change means that it has to be read. */
  readonly stamp: string
  /** Text of the group that was last emitted. */
  readonly text: string | undefined
}

async function look(file: string, seen: Seen, settled: () => Promise<void>): Promise<Seen> {
  try {
    const stamp = await stampOf(file)
    if (stamp === seen.stamp) return seen
    const text = await readFile(file, "utf8")
    if (seen.text === undefined) return { stamp, text }
    // Half a file may be a valid list with too few proxies: a change is taken once the writer has paused.
    await settled()
    return (await stampOf(file)) === stamp ? { stamp, text } : seen
  } catch (cause) {
    if (cause instanceof MeshscopeError) throw cause
    throw fileUnreadable("The targets file", file, cause, true)
  }
}

async function stampOf(file: string): Promise<string> {
  const found = await stat(file, { bigint: true })
  if (found.isFile() && found.size <= MOST_BYTES)
    return `${found.dev}/${found.ino}/${found.size}/${found.mtimeNs}/${found.ctimeNs}`
  throw new MeshscopeError("FILE_UNREADABLE", `The targets file ${file} is not a file of at most 16 MiB.`)
}

/** Relative log paths count from the folder of the targets file. */
function placed(text: string, file: string, env: Environment): readonly ProxyTarget[] {
  const folder = dirname(file)
  return parseTargets({ file, text, env }).map(({ logs, ...target }) =>
    Object.assign(target, { logs: logs.map((log) => resolve(folder, log)) }),
  )
}
