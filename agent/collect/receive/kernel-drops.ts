import { open } from "node:fs/promises"
import { isIPv6 } from "node:net"
import type { SocketAddress } from "#mesh/proxy.ts"

/** One line is about 128 bytes; a host with more sockets than fit is read up to here. */
const MAX_TABLE_BYTES = 4 * 1024 * 1024

/**
 * How many datagrams the kernel threw away for a socket since it was opened, from the text of `/proc/net/udp` or `udp6`
 * (man 5 proc: `local_address` in hexadecimal, host byte order; `drops` is the last column). Undefined when it has no such
 * socket. An address is compared by its port alone where it is IPv6: two sockets on one port are rare and both ours.
 */
export function dropsIn(table: string, address: SocketAddress): number | undefined {
  const port = address.port.toString(16).toUpperCase().padStart(4, "0")
  const host = isIPv6(address.host) ? "" : littleEndian(address.host)
  let found: number | undefined
  for (const line of table.split("\n")) {
    const fields = line.trim().split(/ +/)
    const [local, takenPort] = fields[1]?.split(":") ?? []
    if (takenPort !== port || (host !== "" && local !== host)) continue
    const drops = Number(fields.at(-1))
    if (Number.isSafeInteger(drops) && drops >= 0) found = (found ?? 0) + drops
  }
  return found
}

/** The same of this process's network, now. Undefined where the system has no such table. */
export async function kernelDrops(address: SocketAddress): Promise<number | undefined> {
  try {
    const file = await open(isIPv6(address.host) ? "/proc/self/net/udp6" : "/proc/self/net/udp")
    try {
      return dropsIn(await textOf(file), address)
    } finally {
      await file.close()
    }
  } catch {
    return undefined
  }
}

/** `/proc` tells no size and gives a page at a time. */
async function textOf(file: Awaited<ReturnType<typeof open>>): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  while (bytes < MAX_TABLE_BYTES) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(65_536), 0, 65_536, null)
    if (bytesRead === 0) break
    chunks.push(buffer.subarray(0, bytesRead))
    bytes += bytesRead
  }
  return Buffer.concat(chunks).toString("latin1")
}

/** 127.0.0.1 is `0100007F`: the four bytes as this machine keeps them; every machine that we run on is little-endian. */
function littleEndian(host: string): string {
  return host
    .split(".")
    .toReversed()
    .map((part) => Number(part).toString(16).toUpperCase().padStart(2, "0"))
    .join("")
}
