import type { Clock } from "#mesh/clock.ts"
import type { SocketAddress } from "#mesh/proxy.ts"
import { Datagrams } from "./datagrams.ts"
import { WorkShare } from "./work-share.ts"

export interface DogStatsdIntakeConfig {
  readonly listen: SocketAddress
  readonly receiveBuffer: number
  /** Most of the thread's time that goes into datagrams, above 0 to 1. */
  readonly share: number
}

export interface DogStatsdIntakeDeps {
  readonly clock: Clock
  /** @param from the sender's IP address. Must not throw; the bytes are the callee's */
  readonly datagram: (bytes: Buffer, from: string) => void
}

/** Datagrams by what became of them. `overload`: there was no time for it. */
export interface DogStatsdIntakeCounters {
  readonly passed: number
  readonly overload: number
  /** See `Datagrams`. */
  readonly kernelDropped: number
}

export interface DogStatsdIntake {
  readonly address: SocketAddress
  counters(): DogStatsdIntakeCounters
  stop(): Promise<void>
}

/** What may be worked off at once after a quiet time: a fleet's flushes come together. */
const BURST_MS = 500
const MAPPED = "::ffff:"

/**
 * Takes what DogStatsD sinks send.
 * @throws MeshscopeError LISTEN_FAILED
 */
export async function startDogStatsdIntake(
  { listen, receiveBuffer, share }: DogStatsdIntakeConfig,
  { clock, datagram }: DogStatsdIntakeDeps,
): Promise<DogStatsdIntake> {
  const work = new WorkShare(share, BURST_MS, clock.monotonic())
  const counts = { passed: 0, overload: 0 }
  const opening = { setting: "receive.dogstatsd", listen, receiveBufferBytes: receiveBuffer }
  const socket = await Datagrams.open(opening, clock, (bytes, from) => {
    const beginMs = clock.monotonic()
    if (!work.allows(beginMs)) {
      counts.overload++
      return
    }
    counts.passed++
    datagram(bytes, from.startsWith(MAPPED) ? from.slice(MAPPED.length) : from)
    work.spend(clock.monotonic() - beginMs)
  })
  return {
    address: socket.address,
    counters: () => ({ ...counts, kernelDropped: socket.kernelDropped }),
    stop: () => socket.stop(),
  }
}
