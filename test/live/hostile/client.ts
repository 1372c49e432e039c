import { connect } from "node:net"

/** How long one request may take, ms. */
const PATIENCE_MS = 3000

/**
 * Sends bytes as they are on a connection of its own, and closes it behind the whole answer: an Envoy that refuses a
 * request keeps the connection open for a second.
 * @returns the status, 0 when no answer came
 */
export function sendBytes(host: string, port: number, bytes: string): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    let answer = ""
    socket.setTimeout(PATIENCE_MS, () => socket.destroy())
    socket.on("error", () => {})
    socket.on("data", (data) => {
      answer += data.toString("latin1")
      if (isWhole(answer)) socket.destroy()
    })
    socket.on("close", () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)))
    socket.write(bytes, "latin1")
  })
}

function isWhole(answer: string): boolean {
  const head = answer.indexOf("\r\n\r\n")
  const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(answer)?.[1] ?? 0)
  return head >= 0 && answer.length >= head + 4 + length
}
