import type { ProxyIdentity } from "#mesh/proxy.ts"
import type { RequestRow, Resolution, Target } from "#mesh/request.ts"
import { put } from "./bytes.ts"
import { writeText } from "./json-text.ts"
import { type LineMember, memberHead } from "./line-members.ts"

/** Names come from configuration that a proxy shows, so they may be of any length. */
const MAX_NAME_BYTES = 1024
/** All members at once: nine of the row, the target, cluster and proxy, each with its own name. */
export const NAMES_MOST_BYTES = 12 * (MAX_NAME_BYTES + 32)

/** The members that name who a line is about, ready as bytes. */
export interface NameMembers {
  write(out: Buffer, to: number, resolution: Resolution, proxy: ProxyIdentity): number
}

interface ProxyBytes {
  readonly own: Buffer
  /** Of a line that nobody could give to a reporter. */
  readonly undecided: Buffer
}

/**
 * Makes each name's bytes once: of rows and targets, which are interned, and of proxies for as long as they live.
 * @param cluster empty: the member is left out
 */
export function makeNameMembers(cluster: string): NameMembers {
  const rows = cached((row: RequestRow) => rowBytes(row))
  const targets = cached((target: Target) => textMember("virtual_node", target.name))
  const proxies = new WeakMap<ProxyIdentity, ProxyBytes>()
  // Lines come by the file, so nearly all are of the same proxy as the one before.
  let last: ProxyIdentity | undefined
  let bytes: ProxyBytes = { own: Buffer.alloc(0), undecided: Buffer.alloc(0) }
  const proxyBytes = (proxy: ProxyIdentity): ProxyBytes => {
    if (proxy === last) return bytes
    last = proxy
    bytes = proxies.get(proxy) ?? makeProxyBytes(cluster, proxy)
    proxies.set(proxy, bytes)
    return bytes
  }
  return {
    write(out, to, { kind, row, target }, proxy) {
      const { own, undecided } = proxyBytes(proxy)
      if (kind === "undecided") return put(out, to, undecided)
      return put(out, put(out, put(out, to, rows(row)), targets(target)), own)
    },
  }
}

function makeProxyBytes(cluster: string, { proxy, mesh, flavor }: ProxyIdentity): ProxyBytes {
  const own = Buffer.concat([textMember("cluster", cluster), textMember("proxy", proxy)])
  return { own, undecided: Buffer.concat([textMember("mesh", mesh), textMember("flavor", flavor), own]) }
}

/** By dense number; what has the same number and is another object is made anew (another interner). */
function cached<Key extends { readonly id: number }>(make: (key: Key) => Buffer): (key: Key) => Buffer {
  const keys: Key[] = []
  const values: Buffer[] = []
  return (key) => {
    const known = values[key.id]
    if (known !== undefined && keys[key.id] === key) return known
    const made = make(key)
    keys[key.id] = key
    values[key.id] = made
    return made
  }
}

function rowBytes(row: RequestRow): Buffer {
  return Buffer.concat([
    textMember("mesh", row.mesh),
    textMember("flavor", row.flavor),
    textMember("reporter", row.reporter),
    textMember("virtual_gateway", row.virtualGateway),
    textMember("gateway_route", row.gatewayRoute),
    textMember("virtual_service", row.virtualService),
    textMember("virtual_router", row.virtualRouter),
    textMember("route", row.route),
    textMember("source", row.source),
  ])
}

function textMember(name: LineMember, text: string): Buffer {
  if (text === "") return Buffer.alloc(0)
  const head = memberHead(name)
  const bytes = Buffer.from(text)
  const out = Buffer.alloc(head.length + MAX_NAME_BYTES + 2)
  let to = put(out, 0, head)
  out[to++] = 0x22
  to = writeText(out, to, bytes, 0, bytes.length, to + MAX_NAME_BYTES)
  out[to++] = 0x22
  return out.subarray(0, to)
}
