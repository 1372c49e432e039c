import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"

const REPORT_EVERY_MS = 5000

/** Says what a slow step is at. `step` returns what the work returns; `note` is a remark. */
export interface Progress {
  note(remark: string): void
  step<T>(what: string, options: StepOptions, work: () => Promise<T>): Promise<T>
}

/** `folder`: its growth in bytes tells how far the step is. `far`: a better measure, in words that end in ", ". */
export interface StepOptions {
  folder?: string
  expectedBytes?: number
  far?: () => string
}

/** Bytes of all files below `folder`; files that vanish meanwhile count as nothing. */
function folderBytes(folder: string): number {
  let bytes = 0
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) bytes += folderBytes(path)
      else bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0
    }
  } catch {
    return bytes
  }
  return bytes
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

/** How far a step is, as words: its own measure, or what its folder grew by since it began. */
function distance({ folder, expectedBytes, far }: StepOptions): () => string {
  if (far) return far
  if (folder === undefined) return () => ""
  const before = folderBytes(folder)
  const whole = expectedBytes === undefined ? "" : ` of ${megabytes(expectedBytes)}`
  return () => `${megabytes(folderBytes(folder) - before)}${whole}, `
}

/** Progress of one package as lines: the first at once, one more every five seconds, the last with the time it took. */
export function lineProgress(title: string, write: (line: string) => void): Progress {
  return {
    note: (remark) => write(`${title}: ${remark}`),
    async step(what, options, work) {
      const started = performance.now()
      const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`
      const soFar = distance(options)
      const size = options.expectedBytes === undefined ? "" : `, ${megabytes(options.expectedBytes)}`
      write(`${title}: ${what}${size}`)
      const timer = setInterval(() => write(`${title}: ${what}, ${soFar()}${seconds()}`), REPORT_EVERY_MS)
      try {
        const result = await work()
        write(`${title}: ${what}, done in ${seconds()}`)
        return result
      } finally {
        clearInterval(timer)
      }
    },
  }
}
