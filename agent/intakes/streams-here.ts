import type { SocketAddress } from "#mesh/proxy.ts"
import type { Pipeline } from "../pipeline.ts"
import { isLoopbackHost, takes } from "../resolve/leads-here.ts"
import { hostAddresses } from "../spans/reception.ts"

/**
 * Whether what a proxy streams to an address comes to an agent that listens at `listens`.
 * @param hosts names and addresses that proxies may use, beside those of this host
 */
export function streamsHere(listens: SocketAddress, hosts: readonly string[]): Pipeline["leadsHere"] {
  const all = new Set([...hostAddresses(), ...hosts])
  return (to, { admin }) => takes(listens, to, all, admin.kind === "tcp" && isLoopbackHost(admin.host))
}
