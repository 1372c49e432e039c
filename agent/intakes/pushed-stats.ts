import { isIP } from "node:net"
import { MeshscopeError } from "#mesh/errors.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import type { AdminAnswer, PageSource } from "../collect/admin/client.ts"
import type { AdminPath } from "../collect/admin/path.ts"
import { ByteBudget } from "../collect/receive/byte-budget.ts"
import type { PushedFault, SumsRoom } from "../decode/dogstatsd/pushed-sums.ts"
import { PushedSender, type PushedSenderDeps } from "./pushed-sender.ts"

/** Lines that were given up, by reason; datagrams for the first three. */
export type PushedDrops = Record<"unknown_sender" | "ambiguous" | "no_room_to_wait" | PushedFault, number>

export interface PushedStatsConfig {
  /** After which time without anything a proxy counts as silent, ms. */
  readonly silence: number
  /** How long datagrams wait for their target, ms. */
  readonly hold: number
  readonly maxSeries: number
  readonly buffer: number
}

interface Held {
  readonly from: string
  readonly bytes: Buffer
  readonly sinceMs: number
}

/** Of the buffer, what may wait for targets. */
const HELD_SHARE = 1 / 8
const HELD_BYTES = 200
/** Envoy flushes every 5 s unless configured: a new sender is given this long before it counts as silent. */
const FIRST_MS = 8000
/** A flush is many datagrams: it is over when none came for so long. */
const QUIET_MS = 250
const MOST_WAIT_MS = 2000
const STEP_MS = 50
/** What holds the bytes of a datagram that waits is its own copy: Node's are slices of larger ones. */
const copyOf = (bytes: Buffer): Buffer => Buffer.from(bytes)

/** What all Envoys send that push their stats, by sender, as pages that are asked for like any other's. */
export class PushedStats {
  readonly drops: PushedDrops = {
    unknown_sender: 0,
    ambiguous: 0,
    no_room_to_wait: 0,
    no_room: 0,
    clash: 0,
    too_long: 0,
    not_envoy: 0,
    no_value: 0,
    bad_value: 0,
    bad_name: 0,
    bad_tag: 0,
    sampled: 0,
    left_out: 0,
  }
  readonly #config: PushedStatsConfig
  readonly #deps: Omit<PushedSenderDeps, "room">
  readonly #room: SumsRoom
  readonly #waitRoom: ByteBudget
  readonly #senders = new Map<string, PushedSender>()
  #held: Held[] = []
  #ended = false
  readonly #failed = (fault: PushedFault): void => {
    this.drops[fault] += 1
  }

  constructor(config: PushedStatsConfig, deps: Omit<PushedSenderDeps, "room">) {
    const budget = new ByteBudget(config.buffer * (1 - HELD_SHARE))
    this.#config = config
    this.#deps = deps
    this.#waitRoom = new ByteBudget(config.buffer * HELD_SHARE)
    this.#room = {
      mostSeries: config.maxSeries,
      take: (bytes) => budget.take(bytes),
      give: (bytes) => budget.give(bytes),
    }
  }

  /** One datagram; the bytes are the caller's again afterwards. */
  take(bytes: Buffer, from: string): void {
    const sender = this.#senders.get(from)
    if (sender === undefined || sender.targets === 0) this.#wait(bytes, from)
    else if (sender.targets > 1) this.drops.ambiguous += 1
    else sender.take(bytes, this.#failed)
  }

  /** The pages of a target: what is sent from its address. */
  open({ name, admin }: ProxyTarget): PageSource {
    const from = admin.kind === "tcp" ? senderOf(admin.host) : ""
    if (isIP(from) === 0) return new NoSender(name)
    const sender = this.#senders.get(from) ?? new PushedSender(from, { ...this.#deps, room: this.#room })
    this.#senders.set(from, sender)
    sender.targets += 1
    if (sender.targets === 1) this.#release(from)
    return new SenderPages(name, from, sender, this.#deps.clock, this.#config.silence)
  }

  /** Lets go of what nobody asked for; to be called about once a second. */
  look(): void {
    const nowMs = this.#deps.clock.monotonic()
    for (const [from, sender] of this.#senders) {
      // A target under another name has taken it over by now.
      if (sender.targets > 0 || this.#ended) continue
      this.#senders.delete(from)
      sender.end()
    }
    const held = this.#held
    this.#held = []
    for (const one of held) {
      if (nowMs - one.sinceMs <= this.#config.hold) this.#held.push(one)
      else {
        this.#waitRoom.give(one.bytes.length + HELD_BYTES)
        this.drops.unknown_sender += 1
      }
    }
  }

  /** Nothing more comes. What was added up stays, for the next start. */
  end(): void {
    this.#ended = true
  }

  #wait(bytes: Buffer, from: string): void {
    if (!this.#waitRoom.take(bytes.length + HELD_BYTES)) this.drops.no_room_to_wait += 1
    else this.#held.push({ from, bytes: copyOf(bytes), sinceMs: this.#deps.clock.monotonic() })
  }

  #release(from: string): void {
    const mine = this.#held.filter((one) => one.from === from)
    this.#held = this.#held.filter((one) => one.from !== from)
    for (const { bytes } of mine) {
      this.#waitRoom.give(bytes.length + HELD_BYTES)
      this.take(bytes, from)
    }
  }
}

/** The address that a datagram of this host has. */
const senderOf = (host: string): string => (host === "localhost" ? "127.0.0.1" : host.toLowerCase())

class NoSender implements PageSource {
  readonly #name: string
  constructor(name: string) {
    this.#name = name
  }
  read(): Promise<never> {
    return Promise.reject(
      silent(`${this.#name} has no IP address, by which what it sends could be told from what others send.`),
    )
  }
  close(): void {}
}

/** What one sender sent, as the page of stats of its target. */
class SenderPages implements PageSource {
  readonly #name: string
  readonly #from: string
  readonly #sender: PushedSender
  readonly #clock: PushedSenderDeps["clock"]
  readonly #silenceMs: number
  readonly #sinceMs: number
  readonly #closed = new AbortController()

  constructor(
    name: string,
    from: string,
    sender: PushedSender,
    clock: PushedSenderDeps["clock"],
    silenceMs: number,
  ) {
    this.#name = name
    this.#from = from
    this.#sender = sender
    this.#clock = clock
    this.#silenceMs = silenceMs
    this.#sinceMs = clock.monotonic()
  }

  /** @throws MeshscopeError ADMIN_UNREACHABLE; and whatever `use` throws */
  async read<T>(_path: AdminPath, use: (answer: AdminAnswer) => T): Promise<T> {
    await this.#settled()
    if (this.#sender.targets > 1)
      throw silent(
        `What comes from ${this.#from} cannot be counted: ${this.#sender.targets} targets have this address, and datagrams do not tell them apart.`,
      )
    if (this.#clock.monotonic() - this.#sender.flushedMs > this.#silenceMs)
      throw silent(`${this.#name} sends no stats from ${this.#from}.`)
    return use({ status: 200, body: this.#sender.page(this.#silenceMs) })
  }

  close(): void {
    if (this.#closed.signal.aborted) return
    this.#closed.abort()
    this.#sender.targets -= 1
  }

  /** In the middle of a flush some counters are a flush ahead of others. */
  async #settled(): Promise<void> {
    const { signal } = this.#closed
    const beganMs = this.#clock.monotonic()
    for (;;) {
      const nowMs = this.#clock.monotonic()
      const { flushedMs } = this.#sender
      const first = flushedMs === -Infinity && nowMs - this.#sinceMs < FIRST_MS
      const flushing = nowMs - flushedMs < QUIET_MS && nowMs - beganMs < MOST_WAIT_MS
      if (signal.aborted || !(first || flushing)) return
      await this.#clock.sleep(STEP_MS, signal)
    }
  }
}

function silent(sentence: string): MeshscopeError {
  return new MeshscopeError("ADMIN_UNREACHABLE", sentence)
}
