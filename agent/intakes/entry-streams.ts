import type { AccessFact } from "#mesh/access.ts"
import type { Clock } from "#mesh/clock.ts"
import type { AlsStream } from "../collect/receive/als-intake.ts"
import type { ByteBudget } from "../collect/receive/byte-budget.ts"
import { countEntries } from "../decode/als/entry-count.ts"
import type { EntryVisitor } from "../decode/als/entry-reader.ts"
import { type AlsIdentifier, readIdentifier } from "../decode/als/identifier.ts"
import { AlsWorkspace } from "../decode/als/workspace.ts"
import { malformed } from "../decode/protobuf-wire.ts"
import type { LineBinding, LineCounters, LoggedProxy } from "../log-lines.ts"
import { type KnownProxy, ownerOf, type Unowned } from "./entry-owner.ts"

/** Entries that were given up, by reason. `not_read`: their proxy's configuration could not be read in time. */
export type EntryDrops = Record<Unowned | "not_read" | "no_room" | "malformed", number>

export interface StreamingProxy extends LoggedProxy, KnownProxy {}

export interface EntryStreamsDeps {
  readonly clock: Pick<Clock, "monotonic">
  readonly budget: ByteBudget
  /** How long entries wait for their proxy to be found and read, ms. */
  readonly holdMs: number
  /** Addresses of this host. */
  readonly own: ReadonlySet<string>
  readonly proxies: () => Iterable<StreamingProxy>
  readonly lines: {
    readonly counters: LineCounters
    entry(proxy: LoggedProxy, binding: LineBinding, fact: AccessFact): void
  }
}

interface Held {
  readonly bytes: Buffer
  readonly sinceMs: number
}

/** Whose a stream is, as long as it can be told. */
interface Owned {
  readonly proxy: StreamingProxy
  readonly binding: LineBinding
}

/**
 * Entries of all streams on their way to being counted. What comes before its proxy is known, as of a pod that just began,
 * waits for it, as long as there is room.
 */
export class EntryStreams {
  readonly drops: EntryDrops = {
    unknown_proxy: 0,
    other_address: 0,
    ambiguous: 0,
    not_read: 0,
    no_room: 0,
    malformed: 0,
  }
  readonly #deps: EntryStreamsDeps
  readonly #workspace = new AlsWorkspace()
  readonly #waiting = new Set<EntryStream>()
  #current: Owned | undefined
  readonly #visitor: EntryVisitor = {
    finished: (fact) => {
      if (this.#current !== undefined)
        this.#deps.lines.entry(this.#current.proxy, this.#current.binding, fact)
    },
    intermediate: () => {
      this.#deps.lines.counters.intermediate += 1
    },
    malformed: () => {
      this.drops.malformed += 1
    },
  }

  constructor(deps: EntryStreamsDeps) {
    this.#deps = deps
  }

  /** @param peer where the stream comes from */
  opened(peer: string): AlsStream {
    return new EntryStream(peer, this)
  }

  /** Looks again whose the entries are that wait; to be called about once a second. */
  look(): void {
    for (const stream of this.#waiting) if (stream.look()) this.#waiting.delete(stream)
  }

  /** No more will come: what waits and has no owner now is given up. */
  end(): void {
    for (const stream of this.#waiting) stream.giveUp()
    this.#waiting.clear()
  }

  /** @returns its owner, or why there is none */
  ownerOf(nodeId: string, peer: string): Owned | Unowned | "not_read" {
    const proxy = ownerOf(this.#deps.proxies(), nodeId, peer, this.#deps.own)
    if (typeof proxy === "string") return proxy
    return proxy.binding === undefined ? "not_read" : { proxy, binding: proxy.binding }
  }

  /** @throws MeshscopeError INTAKE_MALFORMED */
  read(owned: Owned, message: Buffer): void {
    this.#current = owned
    owned.binding.entries.read(message, this.#workspace, this.#visitor)
  }

  /** @returns the copy that is kept, or undefined where there is no room */
  hold(stream: EntryStream, message: Buffer): Held | undefined {
    if (!this.#deps.budget.take(message.length)) return undefined
    this.#waiting.add(stream)
    return { bytes: Buffer.from(message), sinceMs: this.#deps.clock.monotonic() }
  }

  letGo({ bytes }: Held): void {
    this.#deps.budget.give(bytes.length)
  }

  isOld({ sinceMs }: Held): boolean {
    return this.#deps.clock.monotonic() - sinceMs > this.#deps.holdMs
  }

  drop(reason: keyof EntryDrops, message: Buffer): void {
    try {
      this.drops[reason] += countEntries(message)
    } catch {
      this.drops.malformed += 1
    }
  }
}

class EntryStream implements AlsStream {
  readonly #peer: string
  readonly #all: EntryStreams
  readonly #held: Held[] = []
  #identifier: AlsIdentifier | undefined
  /** Nobody came for what waited: until somebody does, nothing waits any more. */
  #forsaken = false

  constructor(peer: string, all: EntryStreams) {
    this.#peer = peer
    this.#all = all
  }

  message(bytes: Buffer): void {
    this.#identifier ??= readIdentifier(bytes)
    if (this.#identifier === undefined) throw malformed("does not say who streams")
    const owner = this.#owner(this.#identifier)
    if (typeof owner === "string") this.#wait(bytes, owner)
    else {
      this.#release(owner)
      this.#all.read(owner, bytes)
    }
  }

  /** What waits goes on waiting: a pod that ends may have been seen by nobody yet. */
  ended(): void {}

  /** @returns whether nothing waits any more */
  look(): boolean {
    if (this.#identifier === undefined || this.#held.length === 0) return true
    const owner = this.#owner(this.#identifier)
    if (typeof owner !== "string") this.#release(owner)
    else this.#forsake(owner)
    return this.#held.length === 0
  }

  giveUp(): void {
    if (this.#identifier === undefined) return
    const owner = this.#owner(this.#identifier)
    if (typeof owner !== "string") this.#release(owner)
    else for (const held of this.#held.splice(0)) this.#drop(held, owner)
  }

  #owner({ nodeId }: AlsIdentifier): Owned | Unowned | "not_read" {
    return this.#all.ownerOf(nodeId, this.#peer)
  }

  #wait(bytes: Buffer, why: Unowned | "not_read"): void {
    if (this.#forsaken) {
      this.#all.drop(why, bytes)
      return
    }
    const held = this.#all.hold(this, bytes)
    if (held === undefined) this.#all.drop("no_room", bytes)
    else this.#held.push(held)
  }

  #release(owner: Owned): void {
    this.#forsaken = false
    for (const held of this.#held.splice(0)) {
      this.#all.letGo(held)
      try {
        this.#all.read(owner, held.bytes)
      } catch {
        this.#all.drops.malformed += 1
      }
    }
  }

  #forsake(why: Unowned | "not_read"): void {
    const old = this.#held.findIndex((held) => !this.#all.isOld(held))
    const gone = this.#held.splice(0, old < 0 ? this.#held.length : old)
    for (const held of gone) this.#drop(held, why)
    if (gone.length > 0) this.#forsaken = true
  }

  #drop(held: Held, why: Unowned | "not_read"): void {
    this.#all.letGo(held)
    this.#all.drop(why, held.bytes)
  }
}
