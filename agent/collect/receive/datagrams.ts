import { createSocket, type Socket } from "node:dgram"
import { once } from "node:events"
import { isIPv6 } from "node:net"
import type { Clock } from "#mesh/clock.ts"
import type { SocketAddress } from "#mesh/proxy.ts"
import { listenFailed } from "#mesh/system-reason.ts"
import { kernelDrops } from "./kernel-drops.ts"

export interface DatagramsConfig {
  /** Whose address it is, in words of the configuration. */
  readonly setting: string
  readonly listen: SocketAddress
  /** Asked of the kernel, which gives no more than `net.core.rmem_max`. */
  readonly receiveBufferBytes: number
}

const LOOK_MS = 10_000

/**
 * A UDP socket that is read. Each datagram is handed on at once, so nothing waits here and memory stays flat: Node hands
 * over at most 32 datagrams before other work has its turn, and what cannot be read in time waits in the kernel's buffer,
 * or is dropped there and counted by it.
 */
export class Datagrams {
  /** With the port that was really taken. */
  readonly address: SocketAddress
  /** What the kernel gave; it counts its own bookkeeping in. */
  readonly receiveBufferBytes: number
  readonly #socket: Socket
  readonly #clock: Pick<Clock, "sleep">
  readonly #stopped = new AbortController()
  readonly #watching: Promise<void>
  #kernelDropped = 0

  /**
   * @param took called in turn with the socket; must not throw. The bytes are the callee's
   * @throws MeshscopeError LISTEN_FAILED
   */
  static async open(
    { setting, listen, receiveBufferBytes }: DatagramsConfig,
    clock: Pick<Clock, "sleep">,
    took: (bytes: Buffer, from: string) => void,
  ): Promise<Datagrams> {
    const socket = createSocket({
      type: isIPv6(listen.host) ? "udp6" : "udp4",
      recvBufferSize: receiveBufferBytes,
    })
    try {
      socket.bind(listen.port, listen.host)
      await once(socket, "listening")
    } catch (cause) {
      closeQuietly(socket)
      throw listenFailed(setting, listen, cause)
    }
    return new Datagrams(socket, clock, took)
  }

  private constructor(
    socket: Socket,
    clock: Pick<Clock, "sleep">,
    took: (bytes: Buffer, from: string) => void,
  ) {
    const { address, port } = socket.address()
    this.address = { host: address, port }
    this.receiveBufferBytes = socket.getRecvBufferSize()
    this.#socket = socket
    this.#clock = clock
    socket.on("message", (datagram, from) => took(datagram, from.address))
    // A failed read tells of one datagram; the socket stays open and the next is read.
    socket.on("error", () => undefined)
    this.#watching = this.#watch()
  }

  /** Datagrams that came while the receive buffer was full; as of the last look, at most `LOOK_MS` ago. */
  get kernelDropped(): number {
    return this.#kernelDropped
  }

  /** Looks at the kernel's counter now. */
  async look(): Promise<void> {
    this.#kernelDropped = Math.max(this.#kernelDropped, (await kernelDrops(this.address)) ?? 0)
  }

  /** Ends receiving; afterwards nothing is handed over. */
  async stop(): Promise<void> {
    if (this.#stopped.signal.aborted) return
    this.#stopped.abort()
    await this.look()
    this.#socket.removeAllListeners("message")
    const closed = once(this.#socket, "close")
    this.#socket.close()
    await Promise.all([closed, this.#watching])
  }

  async #watch(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      await this.look()
      await this.#clock.sleep(LOOK_MS, this.#stopped.signal)
    }
  }
}

function closeQuietly(socket: Socket): void {
  try {
    socket.close()
  } catch {
    // It was never opened.
  }
}
