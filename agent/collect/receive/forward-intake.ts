import { createSocket, type Socket as UdpSocket } from "node:dgram"
import { once } from "node:events"
import { stat, unlink } from "node:fs/promises"
import { connect, createServer, type Server, type Socket } from "node:net"
import { MeshscopeError } from "#mesh/errors.ts"
import type { SocketAddress } from "#mesh/proxy.ts"
import { fileReason, listenFailed } from "#mesh/system-reason.ts"
import { type HttpIntakeCounters, makeIntakeTally } from "./http-intake-counters.ts"
import { listenOn } from "./http-intake-listen.ts"

export interface ForwardIntakeConfig {
  readonly listen: SocketAddress
  /** Path of a Unix socket beside it. */
  readonly socket?: string | undefined
  readonly maxConnections: number
}

/** One connection, from its begin to its end. */
export interface ForwardConnection {
  /**
   * Bytes as they came; what is kept of them is copied.
   * @throws MeshscopeError INTAKE_MALFORMED, INTAKE_TOO_LARGE, which end the connection
   */
  data(chunk: Buffer): void
  ended(): void
}

export interface ForwardIntakeDeps {
  /** @param send writes to the other side; a no-op once it is gone */
  readonly opened: (send: (bytes: Buffer) => void, count: () => void) => ForwardConnection
  readonly failed: (error: unknown) => void
}

/** Bytes of answers that a sender may leave unread before its connection ends. */
const MOST_UNREAD = 1024 * 1024
const KEEP_ALIVE_MS = 60_000

/** Takes Fluent's forward protocol by TCP and by a Unix socket, and answers heartbeats by UDP. */
export class ForwardIntake {
  readonly #config: ForwardIntakeConfig
  readonly #deps: ForwardIntakeDeps
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #tally = makeIntakeTally()
  #udp: UdpSocket | undefined
  #bytes = 0

  constructor(config: ForwardIntakeConfig, deps: ForwardIntakeDeps) {
    this.#config = config
    this.#deps = deps
  }

  /** @returns where it listens, as a URL. @throws MeshscopeError LISTEN_FAILED */
  async start(): Promise<string> {
    const { listen, socket } = this.#config
    const address = await listenOn(this.#server(), listen, "receive.forward.listen")
    const port = Number(new URL(address).port)
    try {
      if (socket !== undefined) await listenAt(this.#server(), socket)
      await this.#heartbeats({ host: listen.host, port })
    } catch (error) {
      await this.stop()
      throw error
    }
    return address
  }

  /** Of messages. Connections that were ended for what came: `malformed`, `too_large`, `busy`. */
  counters(): HttpIntakeCounters {
    return this.#tally.counters(this.#bytes)
  }

  async stop(): Promise<void> {
    this.#udp?.close()
    this.#udp = undefined
    const closed = this.#servers
      .splice(0)
      .map((server) => new Promise((resolve) => void server.close(resolve)))
    // What was answered is still sent; what comes now is not read, so that its sender keeps it.
    for (const socket of this.#sockets) socket.removeAllListeners("data").destroySoon()
    await Promise.all(closed)
  }

  #server(): Server {
    const server = createServer((socket) => this.#follow(socket))
    server.maxConnections = this.#config.maxConnections
    server.on("drop", () => this.#tally.droppedConnection())
    this.#servers.push(server)
    return server
  }

  #follow(socket: Socket): void {
    this.#sockets.add(socket)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    const send = (bytes: Buffer): void => {
      if (socket.destroyed) return
      socket.write(bytes)
      if (socket.writableLength > MOST_UNREAD) socket.destroy()
    }
    const connection = this.#deps.opened(send, () => this.#tally.ended("ok"))
    socket.on("data", (chunk: Buffer) => {
      this.#bytes += chunk.length
      try {
        if (!socket.destroyed) connection.data(chunk)
      } catch (error) {
        this.#refuse(error)
        socket.destroySoon()
        socket.removeAllListeners("data")
      }
    })
    socket.on("error", () => {})
    socket.on("close", () => {
      this.#sockets.delete(socket)
      connection.ended()
    })
  }

  #refuse(error: unknown): void {
    if (!(error instanceof MeshscopeError)) {
      this.#tally.ended("failed")
      this.#deps.failed(error)
    } else if (error.retryable) this.#tally.ended("busy")
    else this.#tally.ended(error.code === "INTAKE_TOO_LARGE" ? "too_large" : "malformed")
  }

  /** A sender asks by an empty datagram whether somebody is here. */
  async #heartbeats({ host, port }: SocketAddress): Promise<void> {
    const udp = createSocket(host.includes(":") ? "udp6" : "udp4")
    udp.on("message", (_, from) => udp.send(Buffer.from([0]), from.port, from.address, () => undefined))
    udp.bind(port, host)
    try {
      await once(udp, "listening")
    } catch (cause) {
      throw listenFailed("receive.forward.listen", { host, port }, cause)
    }
    udp.on("error", () => {})
    this.#udp = udp
  }
}

function socketFailed(path: string, cause: unknown): MeshscopeError {
  const inUse = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE"
  const why = inUse ? "another program listens there, or it is no socket" : fileReason(cause)
  const advice = "Set receive.forward.socket to another path."
  return new MeshscopeError("LISTEN_FAILED", `Cannot listen on ${path}: ${why}. ${advice}`, { cause })
}

/** A socket that a killed agent left is removed; one where somebody listens is not. */
async function listenAt(server: Server, path: string): Promise<void> {
  try {
    await bound(server, path)
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE" && (await isLeft(path))))
      throw socketFailed(path, cause)
    await unlink(path)
    await bound(server, path).catch((error: unknown) => {
      throw socketFailed(path, error)
    })
  }
}

async function bound(server: Server, path: string): Promise<void> {
  server.listen(path)
  await once(server, "listening")
}

async function isLeft(path: string): Promise<boolean> {
  // Whoever connects to a file is refused, too.
  if (!(await stat(path)).isSocket()) return false
  const socket = connect(path)
  try {
    await once(socket, "connect")
    return false
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ECONNREFUSED"
  } finally {
    socket.destroy()
  }
}
