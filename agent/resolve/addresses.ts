import type { ProxyConfig } from "#mesh/proxy.ts"

/** Start of the port in `host:port`, or -1. Hosts of IPv6 stand in brackets. */
export function portStart(bytes: Uint8Array, start: number, end: number): number {
  for (let index = end - 1; index >= start; index -= 1) {
    const byte = bytes[index] ?? 0
    if (byte === 0x3a) return index + 1
    if (byte < 0x30 || byte > 0x39) return -1
  }
  return -1
}

/** The digits of `bytes[start, end)` as a number; at most five are a port. */
export function portOf(bytes: Uint8Array, start: number, end: number): number {
  if (start < 0 || end - start > 5) return -1
  let port = 0
  for (let index = start; index < end; index += 1) port = port * 10 + (bytes[index] ?? 0x30) - 0x30
  return port
}

/** `127.…` or `[::1]`. */
export function isLoopback(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start]
  if (first === 0x31)
    return bytes[start + 1] === 0x32 && bytes[start + 2] === 0x37 && bytes[start + 3] === 0x2e
  return first === 0x5b && end - start === 5 && bytes[start + 3] === 0x31 && bytes[start + 1] === 0x3a
}

/**
 * The pod's own addresses from the node's metadata (`aws.appmesh.task.interfaces`: `{ ipv4: { eth0: ["10.0.0.67/32"] } }`;
 * Istio's `INSTANCE_IPS`: `10.0.0.67,fe80::1`), as Envoy prints hosts; those of interface `lo` left out.
 */
export function ownHosts(node: ProxyConfig["node"]): string[] {
  const hosts = new Set<string>()
  const add = (host: string): void => {
    if (host !== "") hosts.add(host.includes(":") ? `[${host}]` : host)
  }
  const instance = node.metadata["INSTANCE_IPS"]
  if (typeof instance === "string") for (const host of instance.split(",", MAX_INSTANCE_IPS)) add(host.trim())
  for (const [, family] of entriesOf(node.metadata["aws.appmesh.task.interfaces"])) {
    for (const [name, addresses] of entriesOf(family)) {
      if (name === "lo" || !Array.isArray(addresses)) continue
      for (const address of addresses as readonly unknown[]) {
        if (typeof address === "string") add(address.split("/")[0] ?? "")
      }
    }
  }
  return [...hosts]
}

const MAX_INSTANCE_IPS = 64

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === "object" && value !== null ? Object.entries(value) : []
}
