import { createSocket } from "node:dgram"
import { once } from "node:events"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { constants, createServer as createHttp2 } from "node:http2"
import { createServer as createTcp, type Server as TcpServer } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { HTTP_PORT } from "./names.ts"

export interface AppPlaces {
  readonly app: string
  readonly garbage: string
  readonly http2: string
  readonly tcp: string
  readonly dns: string
}
export const TCP_PORT = 9100
export const DNS_PORT = 9053

/** What stands behind the Envoy: an application that does as the query says, and others that misbehave. */
export interface HonestyApps {
  /** Resolves when the application holds a request. */
  nextHeld(): Promise<void>
  /** Answers all requests that are held. */
  release(): void
  stop(): Promise<void>
}

export async function startApps(places: AppPlaces): Promise<HonestyApps> {
  const held = new Set<ServerResponse>()
  const waiting: (() => void)[] = []
  const app = createServer((request, response) => {
    request.resume()
    void serve(request, response, (one) => {
      held.add(one)
      waiting.shift()?.()
    })
  })
  app.keepAliveTimeout = 0
  const garbage = createTcp((socket) => {
    socket.on("error", () => {})
    socket.on("data", () => socket.write("not http at all\r\n\r\n"))
  })
  const http2 = createHttp2()
  http2.on("stream", (stream) => {
    stream.on("error", () => {})
    stream.close(constants.NGHTTP2_REFUSED_STREAM)
  })
  http2.on("sessionError", () => {})
  const silent = createTcp((socket) => {
    socket.on("error", () => {})
    socket.on("data", (data) => socket.end(data))
  })
  const dns = await unknowing(places.dns)
  const servers = [
    listening(app, HTTP_PORT, places.app),
    listening(garbage, HTTP_PORT, places.garbage),
    listening(http2, HTTP_PORT, places.http2),
    listening(silent, TCP_PORT, places.tcp),
  ]
  await Promise.all(servers)
  return {
    nextHeld: () => new Promise((resolve) => waiting.push(resolve)),
    release() {
      for (const response of held) response.end("late")
      held.clear()
    },
    async stop() {
      dns.close()
      app.closeAllConnections()
      for (const server of [app, garbage, http2, silent]) server.close()
    },
  }
}

async function listening(
  server: Server | TcpServer | ReturnType<typeof createHttp2>,
  port: number,
  host: string,
): Promise<void> {
  server.listen(port, host)
  server.unref()
  await once(server, "listening")
}

/**
 * `?answers=503,200` by attempt (one answer: for all), `ms=` before it, `cut=before|after` instead of it, `hold=1` until
 * released.
 */
async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  hold: (response: ServerResponse) => void,
): Promise<void> {
  const query = new URL(request.url ?? "/", "http://app").searchParams
  if (query.get("hold") === "1") {
    hold(response)
    return
  }
  await sleep(Number(query.get("ms") ?? 0))
  if (query.get("cut") === "before") {
    response.socket?.destroy()
    return
  }
  if (query.get("cut") === "after") {
    response.writeHead(200, { "content-length": "5000" })
    response.write("x".repeat(100))
    await sleep(50)
    response.socket?.destroy()
    return
  }
  const answers = (query.get("answers") ?? "200").split(",").map(Number)
  const attempt = Number(request.headers["x-envoy-attempt-count"] ?? 1)
  response.writeHead(answers[Math.min(attempt, answers.length) - 1] ?? 200)
  response.end("fine")
}

/** A name server that knows no name, so that no question leaves the machine. */
async function unknowing(host: string): Promise<{ close(): void }> {
  const socket = createSocket("udp4")
  socket.on("message", (question, from) => {
    const answer = Buffer.from(question)
    // Response, recursion as asked and available, NXDOMAIN; the question is repeated, nothing else comes.
    answer.writeUInt16BE(0x8183, 2)
    answer.writeUInt16BE(0, 6)
    answer.writeUInt16BE(0, 8)
    answer.writeUInt16BE(0, 10)
    const end = answer.indexOf(0, 12) + 5
    socket.send(answer.subarray(0, end), from.port, from.address)
  })
  socket.bind(DNS_PORT, host)
  socket.unref()
  await once(socket, "listening")
  return { close: () => socket.close() }
}
