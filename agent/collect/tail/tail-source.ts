import { existsSync } from "node:fs"
import { setImmediate as breathe } from "node:timers/promises"
import type { Clock } from "#mesh/clock.ts"
import { FollowedFile } from "./followed-file.ts"
import { makeCounters, type TailCounters } from "./tail-counters.ts"
import { decodeState, encodeState, type FileState } from "./tail-state.ts"

export interface TailConfig {
  /** Time between two looks at all files. */
  readonly pollMs: number
  /** Where to begin, at the agent's first start ever, in a file that is older than that start. */
  readonly start: "beginning" | "end"
  /** How long a rotated file is watched for late lines after its last change. */
  readonly rotatedIdleMs: number
  /** The one read buffer; also the longest line that can be handed over. */
  readonly bufferBytes: number
  /** Longest stretch of reading without letting others run. */
  readonly sliceMs: number
  /** Kept positions of paths that nobody follows any more are given up after this time, if nothing is there any more. */
  readonly forgetAfterMs: number
}

const TAIL_DEFAULTS: TailConfig = {
  pollMs: 1000,
  start: "beginning",
  rotatedIdleMs: 60_000,
  bufferBytes: 256 * 1024,
  sliceMs: 4,
  forgetAfterMs: 3_600_000,
}

/** Who gets the lines. Every call is synchronous, and what it does is kept or lost together with the position. */
export interface TailConsumer {
  /**
   * Whole lines in the order of the file; `end` is behind a newline. Bytes are raw: container framing is the
   * consumer's. The buffer is only good until the call returns.
   * @returns how many lines there were
   */
  lines(fileId: number, bytes: Buffer, start: number, end: number): number
  /** State to keep with the position of this file, e.g. half of a line that the runtime cut; undefined for none. */
  held?(fileId: number): Uint8Array | undefined
  /** What `held` gave before the restart; called once, before the file's first lines. */
  restore?(fileId: number, held: Uint8Array): void
  /** Nothing more will come of this file: it was read to its end, and nobody follows it. */
  closed?(fileId: number): void
}

export interface TailDeps {
  readonly clock: Clock
  readonly consumer: TailConsumer
  /** What `save` gave last before the restart; undefined at the first start ever. */
  readonly restored: Uint8Array | undefined
}

/** How one path is opened; see `OpenRules`. */
export interface FollowOptions {
  readonly noFollow?: boolean
  readonly within?: readonly string[]
  /** Where to begin if nothing is known of the file, whatever its age. */
  readonly start?: "beginning" | "end"
}

/** Buffers of one file in one poll. */
const ROUNDS = 64

/** Kept positions of paths that nobody follows; beyond, the oldest are given up. */
const MOST_KEPT = 10_000

/** Where reading stopped in a path that nobody follows, and since when (monotonic ms). */
interface Kept {
  readonly state: FileState
  readonly sinceMs: number
}

interface Entry {
  readonly id: number
  readonly file: FollowedFile
  /** Reads what is left, then is forgotten. */
  leaving: boolean
}

/**
 * Follows files over renames, truncations, deletions and restarts.
 *
 * Promise: as long as positions are kept together with what became of the lines, each line that was whole on disk is
 * handed over exactly once, also after kill -9. Exceptions are counted: lines over `bufferBytes`; lines that were in a
 * file which was gone, compressed or outside its folder before it was read (`lost_rotations`).
 *
 * Everything is polled and read synchronously in small slices: files of a node are in the page cache, and a position
 * can never be saved while a read is half done.
 */
export class TailSource {
  /** Names this state among all that are committed together. */
  readonly key = "tail"
  readonly counters: Readonly<TailCounters>
  readonly #counters: TailCounters = makeCounters()
  readonly #config: TailConfig
  readonly #deps: TailDeps
  readonly #buffer: Buffer
  readonly #entries = new Map<string, Entry>()
  /** In the order of their times. */
  readonly #kept = new Map<string, Kept>()
  readonly #first: boolean
  readonly #sinceNs: bigint
  #nextId = 1
  #dirty: boolean
  #polled = false
  #stop: AbortController | undefined
  #loop: Promise<void> | undefined

  /** @throws MeshscopeError STATE_FUTURE, STATE_CORRUPT when `restored` cannot be read */
  constructor(deps: TailDeps, config: Partial<TailConfig> = {}) {
    this.#deps = deps
    this.#config = { ...TAIL_DEFAULTS, ...config }
    this.#buffer = Buffer.alloc(this.#config.bufferBytes)
    this.counters = this.#counters
    this.#first = deps.restored === undefined
    this.#dirty = this.#first
    const sinceMs = deps.clock.monotonic()
    const restored = deps.restored === undefined ? undefined : decodeState(deps.restored)
    this.#sinceNs = restored?.sinceNs ?? BigInt(Math.floor(deps.clock.now())) * 1_000_000n
    for (const state of restored?.files ?? []) this.#kept.set(state.path, { state, sinceMs })
  }

  /** Follows a path, whether or not something is there yet. Following it twice gives the same number. */
  follow(path: string, options: FollowOptions = {}): number {
    const known = this.#entries.get(path)
    if (known !== undefined) {
      known.leaving = false
      return known.id
    }
    const restored = this.#kept.get(path)?.state
    const rules = {
      noFollow: options.noFollow ?? false,
      within: options.within ?? [],
      rotatedIdleMs: this.#config.rotatedIdleMs,
      start: options.start ?? this.#config.start,
      bornBefore: options.start === undefined ? this.#sinceNs : undefined,
      // Where files have no time of birth: after a restart it is better to read too much than to lose lines.
      early: this.#first && !this.#polled,
    }
    const id = this.#nextId++
    const file = new FollowedFile(path, rules, this.#counters, restored)
    this.#entries.set(path, { id, file, leaving: false })
    this.#counters.files_followed += 1
    if (restored?.held !== undefined) this.#held.set(id, restored.held)
    this.#kept.delete(path)
    return id
  }

  /** What was restored for the consumer and not yet handed to it. */
  readonly #held = new Map<number, Uint8Array>()

  /** Reads what is left behind the path, then closes it. Followed again, it is read on from there. */
  unfollow(path: string): void {
    const entry = this.#entries.get(path)
    if (entry !== undefined) entry.leaving = true
  }

  /** Polls until `stop`. */
  start(): void {
    if (this.#loop !== undefined) return
    this.#stop = new AbortController()
    this.#loop = this.#run(this.#stop.signal)
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await this.poll()) continue
      await this.#deps.clock.sleep(this.#config.pollMs, signal)
    }
  }

  /** Ends the loop after a last look at every file, and closes all. `save` still tells the last positions. */
  async stop(): Promise<void> {
    this.#stop?.abort()
    await this.#loop
    this.#loop = undefined
    await this.poll()
    for (const { file } of this.#entries.values()) file.close()
  }

  /**
   * One look at every file, then buffers in turn until all are at their end. A writer faster than we are is left for
   * the next poll after `ROUNDS` buffers, so that new files and rotations are seen in time.
   * @returns whether more is there already
   */
  async poll(): Promise<boolean> {
    let busy = await this.#lookAtAll()
    this.#polled = true
    let since = this.#deps.clock.monotonic()
    for (let round = 0; busy.length > 0 && round < ROUNDS; round++) {
      const still: Entry[] = []
      for (const entry of busy) {
        if (this.#read(entry)) still.push(entry)
        since = await this.#breathe(since)
      }
      busy = still
    }
    this.#forgetLeaving()
    return busy.length > 0
  }

  async #lookAtAll(): Promise<Entry[]> {
    const busy: Entry[] = []
    let since = this.#deps.clock.monotonic()
    for (const entry of this.#entries.values()) {
      const before = entry.file.changes
      this.#attempt(() => {
        entry.file.look(this.#deps.clock.monotonic())
      })
      if (entry.file.changes !== before) this.#dirty = true
      if (entry.file.pending) busy.push(entry)
      since = await this.#breathe(since)
    }
    return busy
  }

  /** Lets others run when the slice is used up. */
  async #breathe(since: number): Promise<number> {
    if (this.#deps.clock.monotonic() - since < this.#config.sliceMs) return since
    await breathe()
    return this.#deps.clock.monotonic()
  }

  #read(entry: Entry): boolean {
    const held = this.#held.get(entry.id)
    if (held !== undefined) {
      this.#held.delete(entry.id)
      this.#deps.consumer.restore?.(entry.id, held)
    }
    let more = false
    this.#attempt(() => {
      more = entry.file.read(this.#buffer, (bytes, start, end) => {
        this.#deliver(entry.id, bytes, start, end)
      })
    })
    this.#dirty = true
    return more
  }

  #deliver(id: number, bytes: Buffer, start: number, end: number): void {
    try {
      this.#counters.lines += this.#deps.consumer.lines(id, bytes, start, end)
    } catch {
      this.#counters.consumer_errors += 1
    }
  }

  #attempt(step: () => void): void {
    try {
      step()
    } catch {
      this.#counters.errors += 1
    }
  }

  #forgetLeaving(): void {
    for (const [path, entry] of this.#entries) {
      if (!entry.leaving || entry.file.pending) continue
      this.#kept.set(path, { state: this.#stateOf(entry), sinceMs: this.#deps.clock.monotonic() })
      entry.file.close()
      this.#entries.delete(path)
      this.#held.delete(entry.id)
      this.#deps.consumer.closed?.(entry.id)
      this.#counters.files_followed -= 1
      this.#dirty = true
    }
    this.#forgetKept()
  }

  /** A file that is still there may be followed again, and must not be read twice then. */
  #forgetKept(): void {
    const now = this.#deps.clock.monotonic()
    for (const [path, { state, sinceMs }] of this.#kept) {
      const crowded = this.#kept.size > MOST_KEPT
      if (!crowded && now - sinceMs <= this.#config.forgetAfterMs) break
      this.#kept.delete(path)
      if (!crowded && existsSync(path)) this.#kept.set(path, { state, sinceMs: now })
      this.#dirty = true
    }
  }

  #stateOf({ id, file }: Entry): FileState {
    const held = this.#held.get(id) ?? this.#deps.consumer.held?.(id)
    return { path: file.path, positions: file.positions, known: file.known, held }
  }

  /** Positions behind the last lines that were handed over; undefined when nothing moved since the last call. */
  save(): Uint8Array | undefined {
    if (!this.#dirty) return undefined
    this.#dirty = false
    const states = [...this.#kept.values()].map(({ state }) => state)
    for (const entry of this.#entries.values()) states.push(this.#stateOf(entry))
    return encodeState({ sinceNs: this.#sinceNs, files: states })
  }
}
