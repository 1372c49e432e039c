import { type BigIntStats, realpathSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { PlainContent } from "./content.ts"
import { HEAD_BYTES, printAt } from "./fingerprint.ts"
import { type Deliver, Generation, type Position, Progress } from "./generation.ts"
import { type Identity, identityOf, type OpenRules, openRegular, sameFile, statPath } from "./open-file.ts"
import {
  contentOf,
  findMoved,
  inAge,
  isBeingPacked,
  listSiblings,
  olderByName,
  packedCopy,
  type Sibling,
  samePlaces,
} from "./siblings.ts"
import type { TailCounters } from "./tail-counters.ts"
import type { FileState } from "./tail-state.ts"

export interface FollowRules extends OpenRules {
  /** Where to begin in a file that is there at the very first look; later ones are read from their beginning. */
  readonly start: "beginning" | "end"
  /** `end` holds only for files born until then, ns since epoch; undefined: for all. */
  readonly bornBefore: bigint | undefined
  /** Decides instead where the time of birth is not known. */
  readonly early: boolean
  /** How long a rotated file is kept open after its last change, once its successor holds something. */
  readonly rotatedIdleMs: number
}

/** Rotated files of one path that may be open at once; beyond, the oldest is given up when it was read to its end. */
const MOST_GENERATIONS = 16
/** Unseen rotated files that are read at once, the newest of them. */
const MOST_BETWEEN = 64
/** Searches for one rotated file while its rotator moves files about. */
const MOST_SEARCHES = 3

/**
 * One path and the files behind it, oldest first: those rotated away and not yet read to their end, then the live one.
 * Knows no clock and no loop; the source calls `look` and `read`.
 */
export class FollowedFile {
  readonly path: string
  readonly #rules: FollowRules
  readonly #counters: TailCounters
  #restored: FileState | undefined
  #generations: Generation[] = []
  /** The last generation is what the path leads to. False: the path leads nowhere, what was behind it may still grow. */
  #live = false
  #known: readonly Identity[] = []
  #looked = false
  #refused: Identity | undefined
  /** Rises with every change of what is followed, beside reading. */
  changes = 0

  constructor(path: string, rules: FollowRules, counters: TailCounters, restored: FileState | undefined) {
    this.path = path
    this.#rules = rules
    this.#counters = counters
    this.#restored = restored
    if (restored !== undefined) this.#known = restored.known
  }

  get positions(): Position[] {
    return this.#looked
      ? this.#generations.map((generation) => generation.position)
      : [...(this.#restored?.positions ?? [])]
  }

  get known(): readonly Identity[] {
    return this.#known
  }

  /** Whether a read may find something. */
  get pending(): boolean {
    return this.#generations.some((generation) => generation.pending)
  }

  /** Asks the file system what became of the path. `now`: monotonic ms. Throws errors of the file system. */
  look(now: number): void {
    try {
      this.#look(now)
    } catch (error) {
      // Renamed between two calls of one look: nothing was changed, and the next look sees what is there then.
      if (!isGone(error)) throw error
    }
  }

  #look(now: number): void {
    const stats = statPath(this.path, this.#rules)
    if (!this.#looked) this.#firstLook(stats)
    const current = this.#current
    if (stats === undefined) {
      this.#live = false
    } else if (current === undefined || !this.#live || !sameFile(current.identity, identityOf(stats))) {
      this.#turnTo(stats)
    }
    for (const generation of this.#generations) this.#lookAt(generation, stats, now)
    this.#retire(now)
  }

  #lookAt(generation: Generation, stats: BigIntStats | undefined, now: number): void {
    const isPath = stats !== undefined && sameFile(generation.identity, identityOf(stats))
    const whole = isPath ? generation.look(stats, now) : generation.lookByDescriptor(now)
    if (!whole) this.#truncated(generation)
    else if (isPath && generation.pending && generation.head.length === 0) this.#emptyBefore(generation)
  }

  /** A file in which nothing was seen yet may have been filled, copied and truncated since: only the copy tells. */
  #emptyBefore(generation: Generation): void {
    const found = this.#between(generation.real, [])
    this.#generations.splice(this.#generations.indexOf(generation), 0, ...found)
  }

  get #current(): Generation | undefined {
    return this.#generations.at(-1)
  }

  /** One buffer of the oldest file that may hold something. False: nothing more for now. */
  read(buffer: Buffer, deliver: Deliver): boolean {
    const generation = this.#generations.find((candidate) => candidate.pending)
    if (generation === undefined) return false
    let progress = generation.read(buffer, this.#counters, deliver)
    // What had to be unpacked is read at once, so that only one file at a time lies in memory.
    while (generation.packed && progress === Progress.more)
      progress = generation.read(buffer, this.#counters, deliver)
    generation.content.rest()
    if (progress === Progress.changed) this.#truncated(generation)
    return this.pending
  }

  #firstLook(stats: BigIntStats | undefined): void {
    const restored = this.#restored
    try {
      // A path behind which nothing was ever seen begins as if nobody had followed it.
      const isNew = restored === undefined || restored.positions.length + restored.known.length === 0
      if (!isNew) this.#resume(restored.positions, stats)
      else if (stats !== undefined) this.#begin(stats)
    } catch (error) {
      // Tried again at the next look, from what was restored.
      this.close()
      this.#generations = []
      this.#live = false
      throw error
    }
    this.#looked = true
    this.#restored = undefined
    this.changes += 1
  }

  #begin(stats: BigIntStats): void {
    this.#turnTo(stats)
    this.#generations.unshift(...this.#youngRotated())
    const { start, bornBefore, early } = this.#rules
    const { birth } = identityOf(stats)
    const old = bornBefore === undefined || (birth === 0n ? early : birth <= bornBefore)
    if (start === "end" && old) this.#current?.beginAtEnd(Number(stats.size))
  }

  /**
   * Rotated files of a log that nobody looked at while it grew, though the agent was there before it: a pod that came and
   * rotated while the agent was away. What is compressed is as young as its folder.
   */
  #youngRotated(): Generation[] {
    const { bornBefore } = this.#rules
    const live = this.#current
    if (bornBefore === undefined || live === undefined) return []
    const young = (birth: bigint): boolean => birth > bornBefore
    const folderIsYoung = young(birthOf(dirname(live.real)))
    const found = listSiblings(live.real).filter(
      ({ rotated, packed, identity }) => (rotated && young(identity.birth)) || (packed && folderIsYoung),
    )
    const opened = this.#opened(inAge(found), live.real)
    this.#counters.caught_up_files += opened.length
    return opened
  }

  /** Finds each file of before the restart again, wherever it is now, and what came after it. */
  #resume(positions: readonly Position[], stats: BigIntStats | undefined): void {
    for (const position of positions) {
      if (stats !== undefined && sameFile(identityOf(stats), position.identity) && this.#resumeLive(position))
        return
      this.#generations.push(...this.#findAgain(position))
    }
    const last = positions.at(-1)
    if (last === undefined) return
    this.#generations.push(...this.#packedSince(last.real), ...this.#between(last.real, []))
    this.#sortByAge(last.real)
  }

  /** Compressed files that are newer than the one that was live at the restart, by their names. */
  #packedSince(real: string): Generation[] {
    const siblings = listSiblings(real)
    const last = this.#generations.at(-1)
    const place = siblings.find(({ identity }) => last !== undefined && sameFile(identity, last.identity))
    return place === undefined ? [] : this.#packedNewer(siblings, place, real)
  }

  /** Files that came and were compressed since the last look, which found `before` live. */
  #packedAfter(before: Generation): Generation[] {
    const siblings = listSiblings(before.real)
    if (!siblings.some(({ packed }) => packed)) return []
    const place =
      siblings.find(({ identity }) => sameFile(identity, before.identity)) ??
      packedCopy(siblings, printAt(before.content, 0, HEAD_BYTES), this.#rules)
    if (place !== undefined) return this.#packedNewer(siblings, place, before.real)
    // It was removed already, and perhaps some that came after it.
    this.#counters.lost_rotations += 1
    return []
  }

  #packedNewer(siblings: readonly Sibling[], place: Sibling, real: string): Generation[] {
    const newer = siblings.filter(
      (sibling) =>
        sibling.packed &&
        !isBeingPacked(sibling, siblings) &&
        !this.#taken(sibling.identity) &&
        (olderByName(place.path, sibling.path) ?? 1) < 0,
    )
    const opened = this.#opened(inAge(newer), real)
    this.#counters.caught_up_files += opened.length
    return opened
  }

  /** The newest comes last: without a live file it is the one that may still be written to. */
  #sortByAge(real: string): void {
    const siblings = inAge(listSiblings(real))
    const age = (generation: Generation): number =>
      siblings.findIndex((sibling) => sameFile(sibling.identity, generation.identity))
    this.#generations.sort((a, b) => age(a) - age(b))
  }

  #resumeLive(position: Position): boolean {
    const live = this.#open(this.path, false)
    if (live === undefined) return false
    if (live.resume(position)) {
      this.#generations.push(live)
      this.#live = true
      return true
    }
    this.#counters.truncations += 1
    live.close(this.#counters)
    return false
  }

  /** The path leads to a file that is not the one that was read. */
  #turnTo(stats: BigIntStats): void {
    const identity = identityOf(stats)
    if (this.#refused !== undefined && sameFile(this.#refused, identity)) return
    const back = this.#generations.findIndex((generation) => sameFile(generation.identity, identity))
    if (back >= 0) {
      // Renamed away and back again.
      this.#generations.push(...this.#generations.splice(back, 1))
      this.#live = true
      return
    }
    const before = this.#current
    const generation = this.#open(this.path, false)
    if (generation === undefined) {
      this.#refused = identity
      return
    }
    this.#live = true
    this.changes += 1
    if (before === undefined) {
      this.#known = this.#rotatedNow(generation.real).map((sibling) => sibling.identity)
    } else {
      this.#counters.rotations += 1
      // A copy made since the last look must be known as such before it is taken for a file between.
      for (const older of this.#generations) if (!older.unchanged()) this.#truncated(older)
      this.#generations.push(
        ...this.#packedAfter(before),
        ...this.#between(before.real, [generation.identity]),
      )
    }
    this.#generations.push(generation)
  }

  /** Content that was read before is gone: what of it was not read yet is in a copy, if anywhere. */
  #truncated(generation: Generation): void {
    this.#counters.truncations += 1
    const { position } = generation
    const found = this.#findAgain(position)
    // Together with the copy, which is ours already, so that it is not taken for a file between.
    found.push(
      ...this.#between(
        position.real,
        found.map((copy) => copy.identity),
      ),
    )
    this.#generations.splice(this.#generations.indexOf(generation), 0, ...found)
    generation.reset()
    // What was just found may be younger than this file, if this one was renamed after it was truncated.
    if (!this.#live) this.#sortByAge(position.real)
    this.changes += 1
  }

  /** Opens the file or copy that holds what was read up to `position`, to read on there. */
  #findAgain(position: Position): Generation[] {
    let siblings = listSiblings(position.real)
    for (let tries = 0; tries < MOST_SEARCHES; tries++) {
      const found = this.#findAmong(siblings, position)
      if (found !== undefined) return [found]
      // A rotator that moves its files up by one may have moved this one while we searched.
      const now = listSiblings(position.real)
      if (samePlaces(siblings, now)) break
      siblings = now
    }
    this.#counters.lost_rotations += 1
    return []
  }

  #findAmong(siblings: readonly Sibling[], position: Position): Generation | undefined {
    const moved = findMoved(siblings, position, (identity) => this.#taken(identity), this.#rules)
    const generation =
      moved === undefined ? undefined : this.#openSibling(moved.sibling, moved.copy, position.real)
    if (generation?.resume(position) === true) return generation
    generation?.close(this.#counters)
    return undefined
  }

  /** Opens rotated files that nobody saw while they were live: there was more than one rotation between two looks. */
  #between(real: string, ours: readonly Identity[]): Generation[] {
    const rotated = this.#rotatedNow(real)
    const skipped = [...ours, ...this.#known]
    const unseen = rotated.filter(
      ({ identity }) => !this.#taken(identity) && !skipped.some((known) => sameFile(known, identity)),
    )
    const opened = this.#opened(unseen.slice(-MOST_BETWEEN), real)
    this.#counters.caught_up_files += opened.length
    this.#counters.lost_rotations += unseen.length - opened.length
    this.#known = rotated.map((sibling) => sibling.identity)
    return opened
  }

  #opened(siblings: readonly Sibling[], real: string): Generation[] {
    return siblings.flatMap((sibling) => this.#openSibling(sibling, sibling.packed, real) ?? [])
  }

  #rotatedNow(real: string): Sibling[] {
    return listSiblings(real).filter((sibling) => sibling.rotated)
  }

  #taken(identity: Identity): boolean {
    return this.#generations.some((generation) => sameFile(generation.identity, identity))
  }

  #open(path: string, copy: boolean, real?: string, packed = false): Generation | undefined {
    const rules = path === this.path ? this.#rules : { ...this.#rules, noFollow: true }
    const opened = openRegular(path, rules)
    if (opened === undefined) {
      this.#counters.refused += 1
      return undefined
    }
    this.#counters.files_open += 1
    const content = packed ? contentOf(opened.fd, { packed }) : new PlainContent(opened.fd)
    return new Generation(content, identityOf(opened.stats), real ?? realPath(path), copy, packed)
  }

  /** A rotated file that cannot be opened is lost, which is no reason to stop reading the live one. */
  #openSibling(sibling: Sibling, copy: boolean, real: string, tries = 1): Generation | undefined {
    try {
      return this.#open(sibling.path, copy, real, sibling.packed)
    } catch (error) {
      const same = ({ identity }: Sibling): boolean => sameFile(identity, sibling.identity)
      const moved = isGone(error) ? listSiblings(real).find(same) : undefined
      if (moved !== undefined && tries < MOST_SEARCHES) return this.#openSibling(moved, copy, real, tries + 1)
      this.#counters.errors += 1
      return undefined
    }
  }

  /** Lets go of rotated files that were read to their end and will not grow any more. */
  #retire(now: number): void {
    const last = this.#generations.length - 1
    const successor = this.#current
    const crowded = this.#generations.length > MOST_GENERATIONS
    this.#generations = this.#generations.filter((generation, index) => {
      if (generation.pending || index === last) return true
      const idle = now - generation.changedAt >= this.#rules.rotatedIdleMs
      // While the successor is empty the writer may not have been told to use it.
      const done = generation.final || (idle && successor !== undefined && successor.offset > 0)
      if (!done && !(crowded && index === 0)) return true
      if (generation.partial > 0) this.#counters.unfinished += 1
      generation.close(this.#counters)
      this.changes += 1
      return false
    })
  }

  /** Closes everything; `positions` stay what they are. */
  close(): void {
    for (const generation of this.#generations) generation.close(this.#counters)
  }
}

/** When a folder was made, ns since epoch; 0 where that is not known. */
function birthOf(folder: string): bigint {
  try {
    return identityOf(statSync(folder, { bigint: true })).birth
  } catch {
    return 0n
  }
}

const isGone = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT"

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
