import type { SocketAddress } from "#mesh/proxy.ts"

/**
 * Whether what a proxy sends to `to` comes to who listens at `listens`.
 * @param hosts addresses and names under which proxies reach this agent, loopback aside
 * @param sharesLoopback the proxy's loopback is the agent's own
 */
export function takes(
  listens: SocketAddress,
  to: SocketAddress,
  hosts: ReadonlySet<string>,
  sharesLoopback: boolean,
): boolean {
  if (to.port !== listens.port) return false
  if (isLoopbackHost(to.host))
    return sharesLoopback && (isAny(listens.host) || sameHost(listens.host, to.host))
  return isAny(listens.host) ? hosts.has(to.host) : sameHost(listens.host, to.host)
}

export const isLoopbackHost = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host)
const isAny = (host: string): boolean => host === "0.0.0.0" || host === "::" || host === ""
const named = (host: string): string => (host === "localhost" ? "127.0.0.1" : host.toLowerCase())
const sameHost = (a: string, b: string): boolean => named(a) === named(b)
