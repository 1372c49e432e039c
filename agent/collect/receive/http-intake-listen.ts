import { once } from "node:events"
import type { Server } from "node:net"
import { socketAddressText } from "#mesh/address.ts"
import type { SocketAddress } from "#mesh/proxy.ts"
import { listenFailed } from "#mesh/system-reason.ts"

/**
 * Listens. Resolves with the address as a URL, with the port that was really taken.
 * @throws MeshscopeError LISTEN_FAILED; `setting` is the key that holds the address
 */
export async function listenOn(server: Server, listen: SocketAddress, setting: string): Promise<string> {
  server.listen(listen.port, listen.host)
  try {
    await once(server, "listening")
  } catch (cause) {
    throw listenFailed(setting, listen, cause)
  }
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : listen.port
  return `http://${socketAddressText({ host: listen.host, port })}`
}
