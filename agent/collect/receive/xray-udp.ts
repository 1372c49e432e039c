import type { Clock } from "#mesh/clock.ts"
import type { SocketAddress } from "#mesh/proxy.ts"
import { Datagrams } from "./datagrams.ts"
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
  /** Datagrams that came while the receive buffer was full; see `Datagrams`. */
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

/** What may be worked off at once after a quiet time. */
const BURST_MS = 200

/**
 * Takes datagrams as the X-Ray daemon does.
 * @throws MeshscopeError LISTEN_FAILED
 */
export async function startXrayUdp(config: XrayUdpConfig, deps: XrayUdpDeps): Promise<XrayUdp> {
  const documents = new Documents(config, deps)
  const opening = { setting: "receive.xray.udp", ...config }
  const socket = await Datagrams.open(opening, deps.clock, (datagram) => documents.take(datagram))
  return {
    address: socket.address,
    counters: () => ({
      ...documents.counters(),
      kernelDropped: socket.kernelDropped,
      receiveBufferBytes: socket.receiveBufferBytes,
    }),
    look: () => socket.look(),
    stop: () => socket.stop(),
  }
}

class Documents {
  readonly #deps: XrayUdpDeps
  readonly #share: WorkShare
  readonly #dropped: Record<DatagramDrop, number> = { bad_header: 0, no_document: 0, overload: 0 }
  #received = 0
  #bytes = 0
  #passed = 0

  constructor({ share }: XrayUdpConfig, deps: XrayUdpDeps) {
    this.#deps = deps
    this.#share = new WorkShare(share, BURST_MS, deps.clock.monotonic())
  }

  counters(): Omit<XrayUdpCounters, "kernelDropped" | "receiveBufferBytes"> {
    return {
      received: this.#received,
      bytes: this.#bytes,
      passed: this.#passed,
      dropped: { ...this.#dropped },
    }
  }

  take(datagram: Buffer): void {
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
}
