import { readFile, stat } from "node:fs/promises"
import { MeshscopeError } from "./errors.ts"
import { fileUnreadable } from "./system-reason.ts"

/** More is none of the files that people write for us: a list of 10,000 proxies has about 2 MB. */
const MOST_BYTES = 16 * 1024 ** 2
/** A changed file must stay as it is for this long before it is taken. */
export const SETTLE_MS = 100

/** What is known of files that may change while we run. */
export interface SeenFiles {
  /** What `stat` told of the files whose texts these are; a change means that they have to be read. */
  readonly stamp: string
  /** In the order of the files; undefined before the first look. */
  readonly texts: readonly string[] | undefined
}

export const NOTHING_SEEN: SeenFiles = { stamp: "", texts: undefined }

/**
 * Looks at files by their paths, so that a replacement by rename, or by the symbolic links of a Kubernetes ConfigMap, is
 * seen like a write. Half a file may be valid: a change is taken once the writer has paused, all files together.
 * @param what begins the sentence of an error, such as `The targets file`
 * @param settled waits `SETTLE_MS`
 * @returns `seen` itself where nothing changed or the writer has not paused yet
 * @throws MeshscopeError FILE_UNREADABLE, retryable
 */
export async function lookAtFiles(
  what: string,
  files: readonly string[],
  seen: SeenFiles,
  settled: () => Promise<void>,
): Promise<SeenFiles> {
  const stamp = await stampOf(what, files)
  if (stamp === seen.stamp) return seen
  const texts = await Promise.all(files.map((file) => textOf(what, file)))
  if (seen.texts === undefined) return { stamp, texts }
  await settled()
  return (await stampOf(what, files)) === stamp ? { stamp, texts } : seen
}

async function textOf(what: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8")
  } catch (cause) {
    throw fileUnreadable(what, file, cause, true)
  }
}

async function stampOf(what: string, files: readonly string[]): Promise<string> {
  const stamps = await Promise.all(files.map((file) => stampOfOne(what, file)))
  return stamps.join("\n")
}

async function stampOfOne(what: string, file: string): Promise<string> {
  try {
    const found = await stat(file, { bigint: true })
    if (found.isFile() && found.size <= MOST_BYTES)
      return `${found.dev}/${found.ino}/${found.size}/${found.mtimeNs}/${found.ctimeNs}`
  } catch (cause) {
    throw fileUnreadable(what, file, cause, true)
  }
  throw new MeshscopeError("FILE_UNREADABLE", `${what} ${file} is not a file of at most 16 MiB.`)
}
