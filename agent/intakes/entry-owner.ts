import { isIP } from "node:net"
import type { ProxyIdentity, ProxyTarget } from "#mesh/proxy.ts"
import { isLoopbackHost } from "../resolve/leads-here.ts"

/** A proxy of this node, as far as telling it by what it streams is concerned. */
export interface KnownProxy {
  readonly target: Pick<ProxyTarget, "admin" | "hint">
  readonly config: { readonly node: { readonly id: string } } | undefined
  readonly identity: ProxyIdentity | undefined
}

/** What the proxy says of itself wins over what discovery knows. */
const nodeIdOf = ({ target, config, identity }: KnownProxy): string =>
  config?.node.id || identity?.nodeId || (target.hint?.nodeId ?? "")

/** Why a stream is nobody's. `unknown_proxy`: no proxy here has its node id. */
export type Unowned = "unknown_proxy" | "other_address" | "ambiguous"

/**
 * Whose stream it is. All pods of a virtual node have one node id, so that address decides: the one that the stream comes
 * from is the one where the admin interface is. Where the address tells nothing (loopback, or this host, which forwards
 * what its pods send) the node id must have one proxy here. Never guessed.
 * @param own addresses of this host, as connections from it have them
 */
export function ownerOf<Known extends KnownProxy>(
  proxies: Iterable<Known>,
  nodeId: string,
  peer: string,
  own: ReadonlySet<string>,
): Known | Unowned {
  const named: Known[] = []
  if (nodeId !== "") for (const proxy of proxies) if (nodeIdOf(proxy) === nodeId) named.push(proxy)
  if (named.length === 0) return "unknown_proxy"
  const there = named.filter(({ target: { admin } }) => admin.kind === "tcp" && admin.host === peer)
  if (there.length > 0) return only(there)
  const tells = !isLoopbackHost(peer) && !own.has(peer)
  const possible = tells ? named.filter(({ target }) => !hasAddress(target)) : named
  return possible.length === 0 ? "other_address" : only(possible)
}

function only<Known>(found: readonly Known[]): Known | "ambiguous" {
  const [first, second] = found
  return first === undefined || second !== undefined ? "ambiguous" : first
}

/** Its admin interface is at an address of the pod's own, with which a peer's can be compared. */
function hasAddress({ admin }: KnownProxy["target"]): boolean {
  return admin.kind === "tcp" && isIP(admin.host) !== 0
}
