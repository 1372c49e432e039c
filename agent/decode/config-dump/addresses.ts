import type { SocketAddress } from "#mesh/proxy.ts"
import { deep, field, list, number, text } from "./json.ts"

/** An `Address`; undefined for pipes and internal addresses. */
export function addressOf(value: unknown): SocketAddress | undefined {
  const socket = field(value, "socket_address")
  const host = text(field(socket, "address"))
  return host === "" ? undefined : { host, port: number(field(socket, "port_value")) ?? 0 }
}

/** Endpoints of a ClusterLoadAssignment. */
export function endpointsOf(assignment: unknown): SocketAddress[] {
  const found: SocketAddress[] = []
  for (const locality of list(field(assignment, "endpoints"))) {
    for (const one of list(field(locality, "lb_endpoints"))) {
      const address = addressOf(deep(one, "endpoint", "address"))
      if (address !== undefined) found.push(address)
    }
  }
  return found
}

/** As Envoy prints an address: `10.0.0.1:80`, `[::1]:80`. */
export function addressText({ host, port }: SocketAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
}
