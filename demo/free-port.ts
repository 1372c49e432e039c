import { once } from "node:events"
import { createServer } from "node:net"
import { MeshscopeError } from "#mesh/errors.ts"

/** The usual port of 127.0.0.1 when it is free, else any, which is said. */
export async function freePort(
  usual: number,
  name: string,
  say: (sentence: string) => void,
): Promise<number> {
  const port = await takenPort(usual)
  if (port !== usual) say(`Port ${usual} is in use by another program; the demo's ${name} takes ${port}.`)
  return port
}

/** `wanted`, or another one when that cannot be had. */
async function takenPort(wanted: number): Promise<number> {
  for (const port of [wanted, 0]) {
    const server = createServer()
    server.listen({ host: "127.0.0.1", port, exclusive: true })
    try {
      await once(server, "listening")
    } catch {
      continue
    }
    const address = server.address()
    server.close()
    await once(server, "close")
    if (typeof address === "object" && address !== null) return address.port
  }
  throw new MeshscopeError("LISTEN_FAILED", "No port of 127.0.0.1 is free.")
}
