import { once } from "node:events"
import {
  createServer,
  Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type ServerResponse,
} from "node:http"

/**
 * How a receiver is to be met: as it is; not there at all; taking requests and never answering; answering with an error of
 * its own; asking for fewer requests; doing its work and losing the answer on the way back.
 */
export const TROUBLES = ["refused", "hang", "error", "throttle", "lose"] as const
export type Way = "open" | (typeof TROUBLES)[number]

/** An answer that a receiver would write. */
export interface Canned {
  readonly status: number
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string
}

/** A request that a receiver has taken. Times are of the wall clock, ms. */
export interface Taken {
  readonly path: string
  /** When it came to the door. */
  readonly cameMs: number
  /** What was in it, by the names that `DoorOptions.read` gives. */
  readonly ids: readonly string[]
  /** When its answer was handed to the system, for a client that was still there; undefined: it never was. */
  answeredMs: number | undefined
}

export interface DoorOptions {
  readonly host: string
  readonly port: number
  /** Of the receiver behind it: `http://host:port`. */
  readonly to: string
  readonly error: Canned
  readonly throttle: Canned
  /** What is in a request, each thing by a name of its own. */
  readonly read: (path: string, headers: IncomingHttpHeaders, body: Buffer) => readonly string[]
}

/** Stands before one receiver, hands requests on as they are, and knows of each whether it was taken and answered. */
export class Door {
  readonly url: string
  /** All that the receiver took, in order. */
  readonly taken: Taken[] = []
  /** Requests that came, in whatever way they were met. */
  requests = 0
  /** Called when a request is about to be handed on, and when its answer came, before that is passed. */
  passing: (moment: "before" | "after") => void = () => undefined
  readonly #options: DoorOptions
  readonly #agent = new HttpAgent({ keepAlive: true })
  readonly #server = createServer((asked, answer) => {
    // A client that was killed is nobody's fault.
    this.#meet(asked, answer).catch(() => answer.destroy())
  })
  #way: Way = "open"

  constructor(options: DoorOptions) {
    this.#options = options
    this.url = `http://${options.host}:${options.port}`
    this.#server.keepAliveTimeout = 120_000
  }

  get way(): Way {
    return this.#way
  }

  async start(): Promise<void> {
    this.#server.listen({ host: this.#options.host, port: this.#options.port })
    await once(this.#server, "listening")
  }

  /** What hangs in one way is cut off in the next. */
  async set(way: Way): Promise<void> {
    if (way === this.#way) return
    const before = this.#way
    this.#way = way
    if (before === "hang") this.#server.closeAllConnections()
    if (before === "refused") await this.start()
    if (way === "refused") await this.stop()
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, "close")
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async #meet(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const cameMs = Date.now()
    this.requests++
    const body = await wholeBody(asked)
    const way = this.#way
    if (way === "hang") return
    if (way === "error" || way === "throttle") {
      const { status, headers = {}, body: text = "" } = this.#options[way]
      answer.writeHead(status, headers).end(text)
      return
    }
    this.passing("before")
    const got = await this.#hand(asked, body)
    const text = await wholeBody(got)
    const status = got.statusCode ?? 0
    const { url: path = "/" } = asked
    const ids = status >= 200 && status < 300 ? this.#options.read(path, asked.headers, body) : undefined
    const taken: Taken | undefined = ids && { path, cameMs, ids, answeredMs: undefined }
    if (taken !== undefined) this.taken.push(taken)
    this.passing("after")
    if (way === "lose" || this.#way === "refused") {
      answer.destroy()
      return
    }
    answer.writeHead(status, got.headers).end(text, () => {
      if (taken !== undefined && !answer.destroyed) taken.answeredMs = Date.now()
    })
  }

  #hand(asked: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { method = "POST", url = "/", headers } = asked
      const outgoing = request(this.#options.to + url, { method, headers, agent: this.#agent })
      outgoing.on("response", resolve).on("error", reject).end(body)
    })
  }
}

async function wholeBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) if (chunk instanceof Buffer) chunks.push(chunk)
  return Buffer.concat(chunks)
}
