import { connect, type Socket } from "node:net"
import { MeshscopeError } from "#mesh/errors.ts"
import type { AdminAddress } from "#mesh/proxy.ts"
import { connectReason } from "#mesh/system-reason.ts"
import type { BodyPool } from "./body.ts"
import { type Framing, type FramingFault, makeFraming, takePiece } from "./framing.ts"
import type { Gate } from "./gate.ts"
import { type AdminPath, isAdminPath } from "./path.ts"

export interface AdminLimits {
  /** Largest body, bytes. */
  readonly maxPageBytes: number
  /** For the whole answer, from sending to the last byte; waiting at the gate does not count. */
  readonly timeoutMs: number
}
const ADMIN_LIMITS: AdminLimits = { maxPageBytes: 64 * 1024 * 1024, timeoutMs: 10_000 }

export interface AdminDeps {
  readonly gate: Gate
  readonly bodies: BodyPool
  readonly limits?: AdminLimits
}

/** What arrived. `body` lies in a shared buffer: it is valid only until the function that it was given to returns. */
export interface AdminAnswer {
  readonly status: number
  readonly body: Buffer
}

/** Where pages come from: see `AdminClient`. */
export interface PageSource {
  read<T>(path: AdminPath, use: (answer: AdminAnswer) => T): Promise<T>
  close(): void
}

/** Pieces of all connections arrive here, one after the other: each is taken before the next is read. */
const arrivals = Buffer.allocUnsafeSlow(256 * 1024)

const RETRYABLE: ReadonlySet<MeshscopeError["code"]> = new Set([
  "ADMIN_UNREACHABLE",
  "ADMIN_TIMEOUT",
  "ADMIN_BUSY",
])

interface Exchange {
  readonly framing: Framing
  settle(outcome: MeshscopeError | undefined): void
}

/**
 * Reads the admin interface of one proxy, one request at a time, over one connection that is kept. Sends GET to the
 * paths of `ADMIN` and nothing else, follows no redirect, asks for no compression. Every byte is taken as hostile:
 * size and time are bounded, and an answer that is not framed exactly is refused.
 */
export class AdminClient implements PageSource {
  readonly #address: AdminAddress
  readonly #deps: AdminDeps
  readonly #limits: AdminLimits
  #socket: Socket | undefined
  #exchange: Exchange | undefined
  #queue: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(address: AdminAddress, deps: AdminDeps) {
    this.#address = address
    this.#deps = deps
    this.#limits = deps.limits ?? ADMIN_LIMITS
  }

  /**
   * Asks for a path and hands the answer to `use`, synchronously.
   * @throws MeshscopeError ADMIN_UNREACHABLE, ADMIN_TIMEOUT, ADMIN_BUSY (429; all three retryable), ADMIN_REFUSED
   *   (403: not allowed here, the proxy is up), ADMIN_TOO_LARGE, ADMIN_BAD_ANSWER; and whatever `use` throws
   */
  read<T>(path: AdminPath, use: (answer: AdminAnswer) => T): Promise<T> {
    const turn = this.#queue.then(() => this.#read(path, use))
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  /** Ends the connection; what is under way fails with ADMIN_UNREACHABLE. */
  close(): void {
    this.#closed = true
    this.#drop()
    this.#exchange?.settle(new MeshscopeError("ADMIN_UNREACHABLE", "The admin client was closed."))
  }

  async #read<T>(path: AdminPath, use: (answer: AdminAnswer) => T): Promise<T> {
    if (!isAdminPath(path)) throw new TypeError("not an admin path of the allow-list")
    const pass = await this.#deps.gate.enter()
    const framing = makeFraming(this.#deps.bodies.take())
    try {
      await this.#fetch(path, framing)
      this.#check(path, framing)
      return use({ status: framing.status, body: framing.body.subarray(0, framing.bodyBytes) })
    } finally {
      this.#deps.bodies.give(framing.body)
      pass.leave()
    }
  }

  /** One exchange; once more on a fresh connection when a kept one turns out to be dead before a byte came. */
  async #fetch(path: AdminPath, framing: Framing): Promise<void> {
    const kept = this.#socket !== undefined
    const fault = await this.#exchangeOnce(path, framing)
    if (fault === undefined) return
    this.#drop()
    if (!kept || this.#closed || framing.seenBytes > 0 || fault.code !== "ADMIN_UNREACHABLE") throw fault
    const again = await this.#exchangeOnce(path, framing)
    if (again === undefined) return
    this.#drop()
    throw again
  }

  #exchangeOnce(path: AdminPath, framing: Framing): Promise<MeshscopeError | undefined> {
    return new Promise((resolve) => {
      if (this.#closed) {
        resolve(new MeshscopeError("ADMIN_UNREACHABLE", "The admin client was closed."))
        return
      }
      const timer = setTimeout(() => {
        settle(
          this.#error("ADMIN_TIMEOUT", `did not answer ${path.text} within ${this.#limits.timeoutMs} ms`),
        )
      }, this.#limits.timeoutMs)
      const settle = (outcome: MeshscopeError | undefined): void => {
        clearTimeout(timer)
        this.#exchange = undefined
        resolve(outcome)
      }
      this.#exchange = { framing, settle }
      this.#socket ??= this.#connect()
      this.#socket.write(`GET ${path.text} HTTP/1.1\r\nhost: localhost\r\nuser-agent: meshscope\r\n\r\n`)
    })
  }

  #connect(): Socket {
    const to =
      this.#address.kind === "tcp"
        ? { host: this.#address.host, port: this.#address.port }
        : { path: this.#address.path }
    const socket = connect({
      ...to,
      noDelay: true,
      onread: {
        buffer: arrivals,
        callback: (bytes) => {
          if (this.#socket === socket) this.#arrived(bytes)
          return true
        },
      },
    })
    const ended = (error?: NodeJS.ErrnoException): void => {
      if (this.#socket !== socket) return
      this.#socket = undefined
      socket.destroy()
      this.#exchange?.settle(this.#lost(error))
    }
    socket.on("error", ended)
    socket.on("end", () => {
      ended()
    })
    socket.on("close", () => {
      ended()
    })
    // A connection that waits between scrapes must not keep the process alive.
    socket.unref()
    return socket
  }

  #arrived(bytes: number): void {
    const exchange = this.#exchange
    if (exchange === undefined) {
      // Nobody asked: the connection is out of step.
      this.#drop()
      return
    }
    const { framing } = exchange
    const fault = takePiece(framing, arrivals, bytes, this.#limits.maxPageBytes)
    if (fault !== undefined) {
      exchange.settle(this.#faulty(fault))
    } else if (framing.garbage) {
      exchange.settle(this.#error("ADMIN_BAD_ANSWER", "sends more bytes than its answer announced"))
    } else if (framing.state === "done") {
      if (framing.closes) this.#drop()
      exchange.settle(undefined)
    }
  }

  #check(path: AdminPath, framing: Framing): void {
    if (path.statuses.includes(framing.status)) return
    if (framing.status === 403) throw this.#error("ADMIN_REFUSED", `does not allow ${path.text}`)
    if (framing.status === 429) throw this.#error("ADMIN_BUSY", `is asked too often (429) for ${path.text}`)
    throw this.#error("ADMIN_BAD_ANSWER", `answers ${path.text} with status ${framing.status}`)
  }

  #drop(): void {
    const socket = this.#socket
    this.#socket = undefined
    socket?.destroy()
  }

  #lost(error: NodeJS.ErrnoException | undefined): MeshscopeError {
    const begun = (this.#exchange?.framing.seenBytes ?? 0) > 0
    if (begun)
      return this.#error("ADMIN_BAD_ANSWER", "ended the connection in the middle of its answer", error)
    const why = error === undefined ? "the connection was closed" : connectReason(error)
    return this.#error("ADMIN_UNREACHABLE", `cannot be reached: ${why}`, error)
  }

  #faulty(fault: FramingFault): MeshscopeError {
    return fault.kind === "too-large"
      ? this.#error("ADMIN_TOO_LARGE", `sends more than ${this.#limits.maxPageBytes} bytes`)
      : this.#error("ADMIN_BAD_ANSWER", `sends an answer that cannot be read: ${fault.why}`)
  }

  #error(code: MeshscopeError["code"], what: string, cause?: unknown): MeshscopeError {
    const where =
      this.#address.kind === "tcp" ? `${this.#address.host}:${this.#address.port}` : this.#address.path
    const retryable = RETRYABLE.has(code)
    return new MeshscopeError(code, `The admin interface at ${where} ${what}.`, { retryable, cause })
  }
}
