import { type BigIntStats, closeSync, lstatSync, opendirSync } from "node:fs"
import { basename, dirname, sep } from "node:path"
import { type Content, PackedContent, PlainContent, packedHead } from "./content.ts"
import { type Print, printAt, printOf, samePrint } from "./fingerprint.ts"
import type { Position } from "./generation.ts"
import { type Identity, identityOf, type OpenRules, openRegular, sameFile } from "./open-file.ts"

/** A folder with more entries is no log folder; what lies behind is not looked at. */
const MOST_ENTRIES = 1000
/** Files whose content is compared to find one copy. */
const MOST_COMPARED = 64
/** Compressed files that are unpacked to find one. */
const MOST_UNPACKED = 8
/** What rotation puts behind a name: `.1`, `-20261120`, `.20261120-155352`. */
const ROTATED = /^[._-]?\d[\dT:._-]*$/
const PACKED = ".gz"

export interface Sibling {
  readonly path: string
  readonly identity: Identity
  readonly size: number
  readonly changedNs: bigint
  /** Its name is that of the live file plus what rotation adds. */
  readonly rotated: boolean
  /** The same, compressed; then it is not `rotated`. */
  readonly packed: boolean
}

/** What a file beside a log holds, unpacked. `fd` is its own from now on. */
export const contentOf = (fd: number, { packed }: Pick<Sibling, "packed">): Content =>
  packed ? new PackedContent(fd) : new PlainContent(fd)

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
      packed:
        entry.startsWith(name) &&
        entry.endsWith(PACKED) &&
        ROTATED.test(entry.slice(name.length, -PACKED.length)),
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

/**
 * Which of two rotated files of one log is older, by what rotation put behind its name: a number that rises with age, or a
 * time. Undefined where the names do not tell.
 */
export function olderByName(one: string, other: string): number | undefined {
  const [a, b] = [one, other].map((path) => path.replace(/\.gz$/, ""))
  if (a === undefined || b === undefined || a === b) return undefined
  const [first, second] = [a, b].map((path) => /\.(\d{1,4})$/.exec(path)?.[1])
  if (first !== undefined && second !== undefined) return Number(second) - Number(first)
  if (first !== undefined || second !== undefined || a.length !== b.length) return undefined
  return a < b ? -1 : 1
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
  const mine = siblings.filter((sibling) => !taken(sibling.identity))
  const free = mine.filter((sibling) => !sibling.packed && sibling.size >= position.offset)
  const renamed = free.find((sibling) => sameFile(sibling.identity, position.identity))
  if (renamed !== undefined && holds(renamed, position, rules)) return { sibling: renamed, copy: false }
  // Without a byte of content every file would look like the copy.
  if (position.head.length === 0) return undefined
  const byName = free.toSorted((a, b) => Number(b.rotated) - Number(a.rotated)).slice(0, MOST_COMPARED)
  const copy = byName.find((sibling) => sibling !== renamed && holds(sibling, position, rules))
  if (copy !== undefined) return { sibling: copy, copy: true }
  const newest = mine.filter(({ packed }) => packed).slice(-MOST_UNPACKED)
  const packed = newest.findLast((sibling) => holds(sibling, position, rules))
  return packed === undefined ? undefined : { sibling: packed, copy: true }
}

function holds(sibling: Sibling, position: Position, rules: OpenRules): boolean {
  try {
    const opened = openRegular(sibling.path, { ...rules, noFollow: true })
    if (opened === undefined) return false
    const content = contentOf(opened.fd, sibling)
    try {
      const { head, check, offset } = position
      return (
        samePrint(printAt(content, 0, head.length), head) &&
        samePrint(printAt(content, offset - check.length, check.length), check)
      )
    } finally {
      content.close()
    }
  } catch {
    return false
  }
}

/** The newest compressed file that begins with `head`. Little of each is unpacked. */
export function packedCopy(siblings: readonly Sibling[], head: Print, rules: OpenRules): Sibling | undefined {
  if (head.length === 0) return undefined
  const newest = siblings.filter(({ packed }) => packed).slice(-MOST_COMPARED)
  return newest.findLast((sibling) => {
    try {
      const opened = openRegular(sibling.path, { ...rules, noFollow: true })
      if (opened === undefined) return false
      try {
        return samePrint(headPrint(packedHead(opened.fd), head.length), head)
      } finally {
        closeSync(opened.fd)
      }
    } catch {
      return false
    }
  })
}

const headPrint = (bytes: Buffer, length: number): Print => printOf(bytes, 0, Math.min(length, bytes.length))

/** A compressed file whose original is still there, so that it may not be whole. */
export function isBeingPacked({ packed, path }: Sibling, siblings: readonly Sibling[]): boolean {
  return packed && siblings.some((other) => other.path === path.slice(0, -PACKED.length))
}

const isOurs = ({ rotated, packed }: Sibling): boolean => rotated || packed

/** Oldest first, as `siblings` are by the time of their last write; where names tell more, by these. */
export function inAge(siblings: readonly Sibling[]): readonly Sibling[] {
  const sorted = siblings.filter(isOurs).toSorted((a, b) => olderByName(a.path, b.path) ?? 0)
  const next = sorted.values()
  return siblings.map((sibling) => (isOurs(sibling) ? (next.next().value ?? sibling) : sibling))
}

/** Whether every file is still where it was. */
export function samePlaces(before: readonly Sibling[], now: readonly Sibling[]): boolean {
  return (
    before.length === now.length &&
    before.every(({ path, identity }) =>
      now.some((other) => other.path === path && sameFile(other.identity, identity)),
    )
  )
}
