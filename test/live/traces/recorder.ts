import { createSocket } from "node:dgram"
import { once } from "node:events"
import { createServer } from "node:http"

/** One datagram, or one request's body. */
export interface Recorded {
  readonly kind: "udp" | "http"
  readonly path: string
  readonly contentType: string
  readonly body: Buffer
}

/** Takes what tracers send, and answers as their collectors do. One port number for UDP and TCP. */
export interface Recorder {
  readonly host: string
  readonly port: number
  readonly all: readonly Recorded[]
  clear(): void
  stop(): Promise<void>
}

export async function startRecorder(): Promise<Recorder> {
  const host = "127.0.0.1"
  const all: Recorded[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const { url: path = "", headers } = request
      const contentType = headers["content-type"] ?? ""
      all.push({ kind: "http", path, contentType, body: Buffer.concat(chunks) })
      response.writeHead(path.endsWith("/spans") ? 202 : 200, { "content-type": contentType }).end()
    })
  })
  server.listen(0, host)
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  const { port } = address
  const socket = createSocket("udp4")
  socket.on("message", (body) => all.push({ kind: "udp", path: "", contentType: "", body }))
  socket.bind(port, host)
  await once(socket, "listening")
  return {
    host,
    port,
    all,
    clear: () => void all.splice(0),
    async stop() {
      const closed = [once(server, "close"), once(socket, "close")]
      server.closeAllConnections()
      server.close()
      socket.close()
      await Promise.all(closed)
    },
  }
}
