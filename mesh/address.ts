import { isIPv6 } from "node:net"
import * as z from "zod"
import type { AdminAddress, SocketAddress } from "./proxy.ts"

const NAME_AND_PORT = /^([A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}))?:(\d{1,5})$/
const IPV6_AND_PORT = /^\[([0-9A-Fa-f:.]{2,45})\]:(\d{1,5})$/
/** `sun_path` of Linux holds 108 bytes with its closing zero; a longer path cannot be connected to. */
const UNIX_PATH_BYTES = 107

/** Host and port of `10.0.0.1:9901`, `host:9901`, `[::1]:9901`; undefined for anything else. Port 0 is taken. */
export function socketAddress(text: string): SocketAddress | undefined {
  const six = IPV6_AND_PORT.exec(text)
  const [, host, digits] = six ?? NAME_AND_PORT.exec(text) ?? []
  if (host === undefined || (six !== null && !isIPv6(host))) return undefined
  const port = Number(digits)
  return port <= 65_535 ? { host, port } : undefined
}

/** An admin address as a user writes it: `host:port`, `[::1]:9901`, `unix:/path`. Undefined for anything else. */
export function adminAddress(text: string): AdminAddress | undefined {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length)
    const fits = Buffer.byteLength(path) <= UNIX_PATH_BYTES && !path.includes("\u0000")
    return path.startsWith("/") && path.length > 1 && fits ? { kind: "unix", path } : undefined
  }
  const address = socketAddress(text)
  return address === undefined || address.port === 0 ? undefined : { kind: "tcp", ...address }
}

/** The text that `socketAddress` reads back to the same. */
export function socketAddressText({ host, port }: SocketAddress): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/** The text that `adminAddress` reads back to the same. */
export function adminAddressText(address: AdminAddress): string {
  return address.kind === "unix" ? `unix:${address.path}` : socketAddressText(address)
}

/** A schema for an admin address. */
export function adminAddressSchema() {
  const expects = "expects host:port, [::1]:9901 or unix:/absolute/path (107 bytes at most)"
  return addressSchema(adminAddress, expects).meta({ title: "admin address" })
}

/** A schema for an address to listen on; port 0 takes any free port. */
export function listenAddressSchema() {
  return addressSchema(socketAddress, "expects host:port, such as 127.0.0.1:9464 or [::]:9464").meta({
    title: "listen address",
  })
}

function addressSchema<T>(parse: (text: string) => T | undefined, expects: string) {
  return z.string({ error: expects }).transform((text, context) => {
    const address = parse(text)
    if (address !== undefined) return address
    context.addIssue({ code: "custom", message: expects })
    return z.NEVER
  })
}
