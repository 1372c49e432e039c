import { createSocket, type Socket } from "node:dgram"
import { once } from "node:events"
import { isIPv6 } from "node:net"
import type { Clock } from "#mesh/clock.ts"
import type { SocketAddress } from "#mesh/proxy.ts"
import { listenFailed } from "#mesh/system-reason.ts"
import { kernelDrops } from "./kernel-drops.ts"
import { WorkShare } from "./work-share.ts"
import { type DatagramFault, documentStart } from "./xray-header.ts"

export interface XrayUdpConfig {
  readonly listen: SocketAddress
  /** Asked of the kernel, which gives no more than `net.core.rmem_max`. */
  readonly receiveBufferBytes: number
  /** Most of the thread's time that goes into documents, above 0 to 1. */
  readonly share: number
}

export interface XrayUdpDeps {
  readonly clock: Clock
  /** One document, not looked at yet; the bytes are the callee's. Called in turn with the socket; must not throw. */
  document(bytes: Buffer): void
}

/** Why a datagram that arrived went no further. `overload`: its work was not affordable; see `XrayUdpConfig.share`. */
export type DatagramDrop = DatagramFault | "overload"

/** received = passed + dropped. What the kernel threw away was never received. */
export interface XrayUdpCounters {
  readonly received: number
  readonly bytes: number
  readonly passed: number
  readonly dropped: Readonly<Record<DatagramDrop, number>>
  /** Datagrams that came while the receive buffer was full; as of the last look, at most `LOOK_MS` ago. */
  readonly kernelDropped: number
  /** What the kernel gave; it counts its own bookkeeping in. */
  readonly receiveBufferBytes: number
}

export interface XrayUdp {
  /** With the port that was really taken. */
  readonly address: SocketAddress
  counters(): XrayUdpCounters
  /** Looks at the kernel's counter now. */
  look(): Promise<void>
  /** Ends receiving; afterwards no document is handed over. */
  stop(): Promise<void>
}

const LOOK_MS = 10_000
/** What may be worked off at once after a quiet time. */
const BURST_MS = 200

/**
 * Takes datagrams as the X-Ray daemon does. Each is handed on at once, so nothing waits here and memory stays flat: Node
 * hands over at most 32 datagrams before other work has its turn, and what cannot be read in time waits in the kernel's
 * buffer, or is dropped there and counted by it.
 * @throws MeshscopeError LISTEN_FAILED
 */
export async function startXrayUdp(config: XrayUdpConfig, deps: XrayUdpDeps): Promise<XrayUdp> {
  const socket = createSocket({
    type: isIPv6(config.listen.host) ? "udp6" : "udp4",
    recvBufferSize: config.receiveBufferBytes,
  })
  try {
    socket.bind(config.listen.port, config.listen.host)
    await once(socket, "listening")
  } catch (cause) {
    closeQuietly(socket)
    throw listenFailed("receive.xray.udp", config.listen, cause)
  }
  return new Receiver(socket, config, deps)
}

class Receiver implements XrayUdp {
  readonly address: SocketAddress
  readonly #socket: Socket
  readonly #deps: XrayUdpDeps
  readonly #share: WorkShare
  readonly #stopped = new AbortController()
  readonly #watching: Promise<void>
  readonly #receiveBufferBytes: number
  readonly #dropped: Record<DatagramDrop, number> = { bad_header: 0, no_document: 0, overload: 0 }
  #received = 0
  #bytes = 0
  #passed = 0
  #kernelDropped = 0

  constructor(socket: Socket, config: XrayUdpConfig, deps: XrayUdpDeps) {
    const { address, port } = socket.address()
    this.address = { host: address, port }
    this.#socket = socket
    this.#deps = deps
    this.#share = new WorkShare(config.share, BURST_MS, deps.clock.monotonic())
    this.#receiveBufferBytes = socket.getRecvBufferSize()
    socket.on("message", (datagram) => this.#take(datagram))
    // A failed read tells of one datagram; the socket stays open and the next is read.
    socket.on("error", () => undefined)
    this.#watching = this.#watch()
  }

  counters(): XrayUdpCounters {
    return {
      received: this.#received,
      bytes: this.#bytes,
      passed: this.#passed,
      dropped: { ...this.#dropped },
      kernelDropped: this.#kernelDropped,
      receiveBufferBytes: this.#receiveBufferBytes,
    }
  }

  async look(): Promise<void> {
    this.#kernelDropped = Math.max(this.#kernelDropped, (await kernelDrops(this.address)) ?? 0)
  }

  async stop(): Promise<void> {
    if (this.#stopped.signal.aborted) return
    this.#stopped.abort()
    await this.look()
    this.#socket.removeAllListeners("message")
    const closed = once(this.#socket, "close")
    this.#socket.close()
    await Promise.all([closed, this.#watching])
  }

  #take(datagram: Buffer): void {
    this.#received++
    this.#bytes += datagram.length
    const start = documentStart(datagram)
    if (typeof start === "string") {
      this.#dropped[start]++
      return
    }
    const beginMs = this.#deps.clock.monotonic()
    if (!this.#share.allows(beginMs)) {
      this.#dropped.overload++
      return
    }
    this.#passed++
    this.#deps.document(datagram.subarray(start))
    this.#share.spend(this.#deps.clock.monotonic() - beginMs)
  }

  async #watch(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      await this.look()
      await this.#deps.clock.sleep(LOOK_MS, this.#stopped.signal)
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
