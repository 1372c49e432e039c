import { once } from "node:events"
import { Agent, request } from "node:http"
import { connect, createServer, type Socket } from "node:net"
import { connect as connectTls } from "node:tls"
import type { Fleet } from "../../../demo/fleet.ts"

/** What one application or one stranger asks for, and how often. */
export interface Asked {
  readonly path: string
  readonly times: number
  /** Name that is called; a virtual service's if nothing is said. */
  readonly host?: string
  readonly headers?: Readonly<Record<string, string>>
  /** What the application is to answer in place of 200. */
  readonly status?: number
}

/** A place to send to, and the host that is called where nothing else is said. */
export interface Door {
  readonly host: string
  readonly port: number
  readonly authority: string
}

export function podOf(fleet: Fleet, resource: string): Fleet["placement"]["pods"][number] {
  const pod = fleet.placement.pods.find((each) => each.resource === resource)
  if (pod === undefined) throw new Error(`the fleet has no pod of ${resource}`)
  return pod
}

/** GET, one at a time on one connection. @returns the statuses that came, with their counts */
export async function send(door: Door, asked: Asked): Promise<Record<string, number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const { path, times, host = door.authority, headers = {}, status } = asked
  const service = host.split(":")[0] ?? ""
  const behaviour =
    status === undefined ? {} : { "x-demo-behaviour": JSON.stringify({ [service]: { status } }) }
  const counts: Record<string, number> = {}
  for (let at = 0; at < times; at += 1) {
    const outgoing = request({
      agent,
      host: door.host,
      port: door.port,
      path,
      headers: { host, ...headers, ...behaviour },
    }).end()
    const [response] = await once(outgoing, "response")
    response.resume()
    await once(response, "end")
    counts[response.statusCode] = (counts[response.statusCode] ?? 0) + 1
  }
  agent.destroy()
  return counts
}

/** A host that no mesh declares: takes what comes, and answers with how much it was. */
export interface Outside {
  readonly host: string
  readonly port: number
  /** Connections that arrived. */
  readonly arrived: () => number
  readonly close: () => void
}

export async function outside(host: string, port: number): Promise<Outside> {
  let arrived = 0
  const server = createServer((socket) => {
    arrived += 1
    socket.on("error", () => {})
    socket.on("data", (chunk: Buffer) => {
      const body = `got ${chunk.length}`
      socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`)
    })
  })
  server.listen(port, host)
  await once(server, "listening")
  return { host, port, arrived: () => arrived, close: () => server.close() }
}

/** Where an application wants to go. */
export interface Destination {
  readonly host: string
  readonly port: number
}

/** A connection of a node's application, as iptables would hand it to the egress listener, which is told where to. */
function leave(fleet: Fleet, node: string, to: Destination): { socket: Socket; closed: Promise<unknown> } {
  const pod = podOf(fleet, node)
  const socket = connect(15_001, pod.egressAddress)
  const closed = new Promise((resolve) => socket.on("close", resolve))
  // A reset is an end like any other here.
  socket.on("error", () => {})
  socket.write(`PROXY TCP4 ${pod.appAddress} ${to.host} 40000 ${to.port}\r\n`)
  return { socket, closed }
}

/**
 * Asks anywhere. Resolves when the connection is closed.
 * @param serverName begins TLS and asks for this name
 * @returns whether an answer came
 */
export async function beyond(
  fleet: Fleet,
  node: string,
  to: Destination,
  serverName?: string,
): Promise<boolean> {
  const { socket, closed } = leave(fleet, node, to)
  if (serverName !== undefined) greet(socket, serverName)
  else {
    socket.write("GET / HTTP/1.1\r\nhost: outside.example\r\n\r\n")
    socket.once("data", () => socket.end())
  }
  await closed
  return socket.bytesRead > 0
}

/** Leaves without a word, while the proxy waits for the first bytes to look for a name in them. */
export async function silent(fleet: Fleet, node: string, to: Destination): Promise<void> {
  const { socket, closed } = leave(fleet, node, to)
  socket.end()
  socket.resume()
  await closed
}

/** A client's hello; what answers is no TLS, which ends it. */
function greet(socket: Socket, servername: string): void {
  connectTls({ socket, servername, rejectUnauthorized: false }).on("error", () => socket.destroy())
}
