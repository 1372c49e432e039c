import { createServer, type Server } from "node:net"

/** Answers each line with one line, as a cache or a database would. */
export function tcpApp(): Server {
  let answers = 0
  return createServer((socket) => {
    socket.on("error", () => {})
    socket.on("data", (chunk: Buffer) => {
      for (const byte of chunk) if (byte === 0x0a) socket.write(`:${++answers}\r\n`)
    })
  })
}
