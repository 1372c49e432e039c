import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"

/** Stands between a client and a server of TCP. */
export interface Relay {
  readonly port: number
  /** Bytes that the server sent so far. */
  received(): number
  /** Breaks every connection; new ones are taken. */
  cut(): void
  stop(): Promise<void>
}

/** @param to port of 127.0.0.1 */
export async function startRelay(to: number): Promise<Relay> {
  let bytes = 0
  const open = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(to, "127.0.0.1")
    far.on("data", (chunk: Buffer) => (bytes += chunk.length))
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one)
      one.on("error", () => other.destroy())
      one.on("close", () => {
        open.delete(one)
        other.destroy()
      })
    }
    near.pipe(far)
    far.pipe(near)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const cut = (): void => {
    for (const socket of open) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    received: () => bytes,
    cut,
    async stop() {
      const closed = once(server, "close")
      server.close()
      cut()
      await closed
    },
  }
}
