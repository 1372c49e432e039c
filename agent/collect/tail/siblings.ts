import { type BigIntStats, closeSync, lstatSync, opendirSync } from "node:fs"
import { basename, dirname, sep } from "node:path"
import { printAt, samePrint } from "./fingerprint.ts"
import type { Position } from "./generation.ts"
import { type Identity, identityOf, type OpenRules, openRegular, sameFile } from "./open-file.ts"

/** A folder with more entries is no log folder; what lies behind is not looked at. */
const MOST_ENTRIES = 1000
/** Files whose content is compared to find one copy. */
const MOST_COMPARED = 64
/** What rotation puts behind a name: `.1`, `-20261120`, `.20261120-155352`. Compressed files are not read. */
const ROTATED = /^[._-]?\d[\dT:._-]*$/

export interface Sibling {
  readonly path: string
  readonly identity: Identity
  readonly size: number
  readonly changedNs: bigint
  /** Its name is that of the live file plus what rotation adds. */
  readonly rotated: boolean
}

/** Regular files beside `real`, oldest first; links are not followed. Empty when the folder cannot be read. */
export function listSiblings(real: string): Sibling[] {
  const folder = dirname(real)
  const name = basename(real)
  const before = folder.endsWith(sep) ? folder : folder + sep
  const found: Sibling[] = []
  for (const entry of entriesOf(folder)) {
    // Joined by hand: a folder has the files of many proxies, and each of them looks at all.
    const path = before + entry
    const stats = statOf(path)
    if (stats === undefined || !stats.isFile()) continue
    found.push({
      path,
      identity: identityOf(stats),
      size: Number(stats.size),
      changedNs: stats.mtimeNs,
      rotated: entry.startsWith(name) && ROTATED.test(entry.slice(name.length)),
    })
  }
  return found.toSorted((a, b) => compareBig(a.changedNs, b.changedNs) || compareNames(a.path, b.path))
}

/** `x.10` is older than `x.9`; dated names grow. Only decides between files that were written in the same instant. */
function compareNames(one: string, other: string): number {
  const numbers = [one, other].map((path) => /\.(\d{1,4})$/.exec(path)?.[1])
  if (numbers[0] !== undefined && numbers[1] !== undefined) return Number(numbers[1]) - Number(numbers[0])
  return one < other ? -1 : 1
}

const compareBig = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)

function entriesOf(folder: string): string[] {
  try {
    using directory = opendirSync(folder)
    const names: string[] = []
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      if (names.length === MOST_ENTRIES) break
      names.push(entry.name)
    }
    return names
  } catch {
    return []
  }
}

function statOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** Where the file that was read up to `position` is now: renamed (the same inode), or copied before it was truncated. */
export function findMoved(
  siblings: readonly Sibling[],
  position: Position,
  taken: (identity: Identity) => boolean,
  rules: OpenRules,
): { readonly sibling: Sibling; readonly copy: boolean } | undefined {
  const free = siblings.filter((sibling) => !taken(sibling.identity) && sibling.size >= position.offset)
  const renamed = free.find((sibling) => sameFile(sibling.identity, position.identity))
  if (renamed !== undefined && holds(renamed.path, position, rules)) return { sibling: renamed, copy: false }
  // Without a byte of content every file would look like the copy.
  if (position.head.length === 0) return undefined
  const byName = free.toSorted((a, b) => Number(b.rotated) - Number(a.rotated)).slice(0, MOST_COMPARED)
  const copy = byName.find((sibling) => sibling !== renamed && holds(sibling.path, position, rules))
  return copy === undefined ? undefined : { sibling: copy, copy: true }
}

function holds(path: string, position: Position, rules: OpenRules): boolean {
  try {
    const opened = openRegular(path, { ...rules, noFollow: true })
    if (opened === undefined) return false
    const { fd } = opened
    try {
      const { head, check, offset } = position
      return (
        samePrint(printAt(fd, 0, head.length), head) &&
        samePrint(printAt(fd, offset - check.length, check.length), check)
      )
    } finally {
      closeSync(fd)
    }
  } catch {
    return false
  }
}
