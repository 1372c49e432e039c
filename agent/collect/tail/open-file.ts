import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  statSync,
} from "node:fs"
import { sep } from "node:path"

/** Which file an inode is. A number may be given again after a deletion, so the time of birth counts where it is known. */
export interface Identity {
  readonly dev: bigint
  readonly ino: bigint
  /** ns since epoch; 0 when the file system does not tell. */
  readonly birth: bigint
}

export function identityOf(stats: BigIntStats): Identity {
  const unknown = stats.birthtimeNs === stats.ctimeNs && !birthsAreTrue()
  return { dev: stats.dev, ino: stats.ino, birth: unknown ? 0n : stats.birthtimeNs }
}

let birthsTrue: boolean | undefined

/**
 * Where the kernel does not tell births (or a sandbox forbids to ask), the change time stands in for them, and that one
 * moves with each rename. The root folder was changed after its birth, so there the two differ if births are true.
 */
function birthsAreTrue(): boolean {
  if (birthsTrue === undefined) {
    const root = lstatSync("/", { bigint: true })
    birthsTrue = root.birthtimeNs !== root.ctimeNs
  }
  return birthsTrue
}

export function sameFile(one: Identity, other: Identity): boolean {
  if (one.ino !== other.ino || one.dev !== other.dev) return false
  return one.birth === other.birth || one.birth === 0n || other.birth === 0n
}

export interface OpenRules {
  /** Refuse a symbolic link as the last part of the path. For folders that a pod can write to. */
  readonly noFollow: boolean
  /** Absolute folders; the opened file must lie in one of them, wherever links led. Empty: anywhere. */
  readonly within: readonly string[]
}

/** Stats of what a path leads to by these rules; undefined when there is nothing. Throws other errors of `stat`. */
export function statPath(path: string, rules: OpenRules): BigIntStats | undefined {
  const options = { bigint: true, throwIfNoEntry: false } as const
  return rules.noFollow ? lstatSync(path, options) : statSync(path, options)
}

/**
 * Opens a regular file for reading. Never blocks: a pipe or a device is looked at before it is opened, and opened
 * without waiting should it have been put there meanwhile.
 * @returns undefined when the rules refuse it. Throws what `openSync` throws.
 */
export function openRegular(path: string, rules: OpenRules): { fd: number; stats: BigIntStats } | undefined {
  const seen = statPath(path, rules)
  if (seen !== undefined && !seen.isFile()) return undefined
  const { O_RDONLY, O_NONBLOCK, O_NOCTTY, O_NOFOLLOW } = constants
  const fd = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | (rules.noFollow ? O_NOFOLLOW : 0))
  try {
    const stats = fstatSync(fd, { bigint: true })
    if (stats.isFile() && isWithin(fd, rules.within)) return { fd, stats }
  } catch (error) {
    closeSync(fd)
    throw error
  }
  closeSync(fd)
  return undefined
}

/** Asks the kernel where the open file really is, so that no link in the middle of a path leads elsewhere. */
function isWithin(fd: number, folders: readonly string[]): boolean {
  if (folders.length === 0) return true
  const real = readlinkSync(`/proc/self/fd/${fd}`)
  return folders.some((folder) => real.startsWith(folder.endsWith(sep) ? folder : folder + sep))
}
