import type { Clock } from "#mesh/clock.ts"
import type { ByteBudget } from "../collect/receive/byte-budget.ts"
import { PartialLine } from "../decode/access-log/partial-line.ts"
import { type ForwardRecord, lineOf, recordText } from "../decode/forward/record.ts"
import type { LoggedProxy } from "../log-lines.ts"
import { type ContainerNames, containerOwner, type SentProxy } from "./container-owner.ts"

/** Lines that were given up, by reason. */
export type SentDrops = Record<
  "unknown_container" | "ambiguous" | "not_read" | "no_room" | "line_too_long" | "unfinished" | "no_log",
  number
>

export interface SendingProxy extends LoggedProxy, SentProxy {}

export interface SentLinesDeps {
  readonly clock: Pick<Clock, "monotonic">
  readonly budget: ByteBudget
  /** How long lines wait for their proxy to be found and read, ms. */
  readonly holdMs: number
  readonly maxLineBytes: number
  readonly proxies: () => Iterable<SendingProxy>
  readonly lines: { sent(proxy: LoggedProxy, bytes: Buffer, start: number, end: number): void }
}

/** What came together, and is acknowledged together: not before nothing of it waits. */
export interface Delivery {
  waiting: number
}

interface Held {
  readonly names: ContainerNames
  readonly line: Buffer
  readonly sinceMs: number
  readonly deliveries: readonly Delivery[]
}

interface Pieces {
  readonly line: PartialLine
  readonly deliveries: Delivery[]
}

/** Beside the line: names, and what keeps them. */
const HELD_BYTES = 512
/** Lines in pieces at one time; Docker cuts lines at 16 KiB. */
const MOST_PIECES = 256
/** Pieces of one line: the longest that may be configured has 1024. */
const MOST_PARTS = 2048

/** Lines of containers' output on their way to being counted: in one piece again, and given to their proxy. */
export class SentLines {
  readonly drops: SentDrops = {
    unknown_container: 0,
    ambiguous: 0,
    not_read: 0,
    no_room: 0,
    line_too_long: 0,
    unfinished: 0,
    no_log: 0,
  }
  readonly #deps: SentLinesDeps
  #held: Held[] = []
  readonly #pieces = new Map<string, Pieces>()

  constructor(deps: SentLinesDeps) {
    this.#deps = deps
  }

  take(record: ForwardRecord, delivery: Delivery): void {
    const names = namesOf(record)
    const [start, end] = lineOf(record)
    const container = names.id || `${names.taskArn} ${names.name}`
    const id = recordText(record, "partial_id")
    const key = `${container} ${id}`
    const isPiece = recordText(record, "partial_message") === "true"
    // Dockers before 19.03 tell neither which line a piece is of, nor which piece is the last.
    if (!isPiece && !this.#pieces.has(key)) this.#line(names, record.bytes, start, end, [delivery])
    else {
      const isLast = !isPiece || recordText(record, "partial_last") === "true"
      this.#piece(key, isLast, names, record.bytes.subarray(start, end), delivery)
    }
  }

  /** Looks again whose the lines are that wait; to be called about once a second. */
  look(): void {
    const held = this.#held
    this.#held = []
    for (const one of held) {
      const owner = this.#ownerOf(one.names)
      if (typeof owner !== "string") {
        this.#letGo(one)
        this.#deps.lines.sent(owner, one.line, 0, one.line.length)
      } else if (this.#deps.clock.monotonic() - one.sinceMs > this.#deps.holdMs) {
        this.#letGo(one)
        this.drops[owner] += 1
      } else this.#held.push(one)
    }
  }

  #piece(key: string, isLast: boolean, names: ContainerNames, bytes: Buffer, delivery: Delivery): void {
    const pieces = this.#pieces.get(key) ?? this.#begin(key)
    pieces.line.append(bytes, 0, bytes.length)
    pieces.deliveries.push(delivery)
    delivery.waiting += 1
    if (!isLast) {
      if (pieces.deliveries.length >= MOST_PARTS) this.#giveUp(key, pieces)
      return
    }
    this.#pieces.delete(key)
    const { line, deliveries } = pieces
    for (const one of deliveries) one.waiting -= 1
    if (line.overflowed) this.drops.line_too_long += 1
    else this.#line(names, line.bytes, 0, line.length, deliveries)
  }

  #begin(key: string): Pieces {
    const [oldest] = this.#pieces
    if (oldest !== undefined && this.#pieces.size >= MOST_PIECES) {
      this.#giveUp(...oldest)
    }
    const pieces = { line: new PartialLine(this.#deps.maxLineBytes), deliveries: [] }
    this.#pieces.set(key, pieces)
    return pieces
  }

  #giveUp(key: string, { deliveries }: Pieces): void {
    this.#pieces.delete(key)
    for (const one of deliveries) one.waiting -= 1
    this.drops.unfinished += 1
  }

  #line(
    names: ContainerNames,
    bytes: Buffer,
    start: number,
    end: number,
    deliveries: readonly Delivery[],
  ): void {
    if (end - start > this.#deps.maxLineBytes) {
      this.drops.line_too_long += 1
      return
    }
    const owner = this.#ownerOf(names)
    if (typeof owner === "string") this.#hold(names, bytes.subarray(start, end), deliveries)
    else {
      if (this.#held.length > 0) this.look()
      this.#deps.lines.sent(owner, bytes, start, end)
    }
  }

  #hold(names: ContainerNames, line: Buffer, deliveries: readonly Delivery[]): void {
    if (!this.#deps.budget.take(line.length + HELD_BYTES)) {
      this.drops.no_room += 1
      return
    }
    for (const one of deliveries) one.waiting += 1
    const sinceMs = this.#deps.clock.monotonic()
    this.#held.push({ names, line: Buffer.from(line), sinceMs, deliveries })
  }

  #letGo({ line, deliveries }: Held): void {
    this.#deps.budget.give(line.length + HELD_BYTES)
    for (const one of deliveries) one.waiting -= 1
  }

  #ownerOf(names: ContainerNames): SendingProxy | "unknown_container" | "ambiguous" | "not_read" {
    const owner = containerOwner(this.#deps.proxies(), names)
    return typeof owner !== "string" && owner.binding === undefined ? "not_read" : owner
  }
}

const namesOf = (record: ForwardRecord): ContainerNames => ({
  id: recordText(record, "container_id"),
  name: recordText(record, "container_name"),
  taskArn: recordText(record, "ecs_task_arn"),
})
