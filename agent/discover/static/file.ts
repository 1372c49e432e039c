import { dirname, resolve } from "node:path"
import type { Clock } from "#mesh/clock.ts"
import type { Environment } from "#mesh/interpolation.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import { lookAtFiles, NOTHING_SEEN, SETTLE_MS, type SeenFiles } from "#mesh/settled-files.ts"
import { parseTargets } from "#mesh/targets.ts"
import type { Discovery, ReportProblem } from "../contract.ts"

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
      let seen: SeenFiles = NOTHING_SEEN
      const settled = (): Promise<void> => deps.clock.sleep(SETTLE_MS, signal)
      let troubled = false
      while (!signal.aborted) {
        try {
          const now = await lookAtFiles("The targets file", [config.file], seen, settled)
          const [text] = now.texts ?? []
          if (text !== undefined && text !== seen.texts?.[0] && !signal.aborted)
            emit(placed(text, config.file, deps.env))
          // After a problem the look is forgotten: the same again means that the writer has not paused yet.
          if (troubled && now !== seen) {
            troubled = false
            deps.mended?.()
          }
          seen = now
        } catch (error) {
          troubled = true
          // Forget the look, so that the same broken file is reported until it is mended.
          seen = { ...seen, stamp: "" }
          deps.report(error instanceof Error ? error : new Error(String(error)))
        }
        await deps.clock.sleep(config.interval, signal)
      }
    },
  }
}

/** Relative log paths count from the folder of the targets file. */
function placed(text: string, file: string, env: Environment): readonly ProxyTarget[] {
  const folder = dirname(file)
  return parseTargets({ file, text, env }).map(({ logs, ...target }) =>
    Object.assign(target, { logs: logs.map((log) => resolve(folder, log)) }),
  )
}
