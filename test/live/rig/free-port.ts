import { once } from "node:events"
import { createServer } from "node:net"

/** A port of 127.0.0.1 that nobody listens on now, for what must be told before it listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  if (typeof address === "string" || address === null) throw new Error("the port is not known")
  return address.port
}
