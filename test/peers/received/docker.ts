import { once } from "node:events"
import { open } from "node:fs/promises"
import { connect, type NetConnectOpts, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { forwarded, type Mode, type Packable } from "../../fixtures/forward/packing.ts"

/** Docker cuts what a container writes into pieces of so many bytes. */
const PIECE_BYTES = 16 * 1024
/** Records of one chunk. */
export const BATCH = 200
const PAUSE_MS = 50
const ANSWER_MS = 5000

type Chunk = readonly [name: string, records: readonly Readonly<Record<string, Packable>>[]]

export interface Container {
  readonly id: string
  readonly name: string
  /** What it wrote to its standard output, as a file that grows. */
  readonly output: string
}

/**
 * Sends a container's output as Docker's fluentd log driver does, and asks for each chunk to be acknowledged: one that was
 * not is sent again over a new connection.
 */
export class Driver {
  readonly #container: Container
  readonly #to: NetConnectOpts
  readonly #mode: Mode
  readonly #ending = new AbortController()
  #socket: Socket | undefined
  #chunks = 0
  #answers = ""
  #work: Promise<void> = Promise.resolve()

  constructor(container: Container, to: NetConnectOpts, mode: Mode) {
    this.#container = container
    this.#to = to
    this.#mode = mode
  }

  start(): void {
    this.#work = this.#run()
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    this.#socket?.destroy()
    await this.#work
  }

  async #run(): Promise<void> {
    const file = await open(this.#container.output)
    const buffer = Buffer.alloc(1024 * 1024)
    let rest = Buffer.alloc(0)
    try {
      while (!this.#ending.signal.aborted) {
        const { bytesRead } = await file.read(buffer)
        const lines = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
        const end = lines.lastIndexOf(10) + 1
        rest = Buffer.from(lines.subarray(end))
        await this.#deliver(lines.toString("utf8", 0, end).split("\n").slice(0, -1))
        if (bytesRead === 0) await sleep(PAUSE_MS)
      }
    } finally {
      await file.close()
    }
  }

  async #deliver(lines: readonly string[]): Promise<void> {
    const records = lines.flatMap((line) => this.#records(line))
    for (let at = 0; at < records.length; at += BATCH) {
      const batch = records.slice(at, at + BATCH)
      // A message of the mode `message` has one record.
      const parts = this.#mode === "message" ? batch.map((one) => [one]) : [batch]
      let left: readonly Chunk[] = parts.map(
        (part): Chunk => [`${this.#container.id}/${++this.#chunks}/`, part],
      )
      while (left.length > 0 && !this.#ending.signal.aborted) {
        left = await this.#unacknowledged(left)
        if (left.length > 0) await sleep(PAUSE_MS)
      }
    }
  }

  #records(line: string): Readonly<Record<string, Packable>>[] {
    const { id, name } = this.#container
    const common = { container_id: id, container_name: `/${name}`, source: "stdout" }
    if (line.length <= PIECE_BYTES) return [{ ...common, log: line }]
    const pieces = Math.ceil(line.length / PIECE_BYTES)
    return Array.from({ length: pieces }, (_, at) =>
      Object.assign(
        {
          log: line.slice(at * PIECE_BYTES, (at + 1) * PIECE_BYTES),
          partial_message: "true",
          partial_id: `${id}/${this.#chunks}`,
          partial_ordinal: String(at + 1),
          partial_last: String(at + 1 === pieces),
        },
        common,
      ),
    )
  }

  /** Sends chunks. @returns those that were not acknowledged before the connection ended, or in time */
  async #unacknowledged(chunks: readonly Chunk[]): Promise<readonly Chunk[]> {
    const waiting = new Map(chunks)
    try {
      const socket = await this.#connected()
      for (const [chunk, part] of chunks) socket.write(forwarded(this.#mode, part, { chunk }))
      const until = performance.now() + ANSWER_MS
      while (waiting.size > 0 && !socket.closed && performance.now() < until) {
        for (const chunk of waiting.keys()) if (this.#answers.includes(chunk)) waiting.delete(chunk)
        if (waiting.size > 0) await sleep(5)
      }
    } catch {
      // Nobody listens now.
    }
    this.#answers = ""
    if (waiting.size > 0) {
      this.#socket?.destroy()
      this.#socket = undefined
    }
    return [...waiting]
  }

  async #connected(): Promise<Socket> {
    if (this.#socket !== undefined) return this.#socket
    const socket = connect(this.#to)
    socket.on("error", () => {})
    socket.on("data", (bytes: Buffer) => {
      this.#answers += bytes.toString("latin1")
    })
    this.#socket = socket
    await once(socket, "connect")
    return socket
  }
}
