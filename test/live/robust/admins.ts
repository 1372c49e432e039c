import { once } from "node:events"
import { createServer, type Server, type Socket } from "node:net"

/** Listens like an admin interface, and is none. */
export interface HostileAdmin {
  readonly address: string
  /** What it was asked for, in order. */
  readonly asked: readonly string[]
  stop(): Promise<void>
}

/** What is done to a connection that asked for a path. */
type Deed = (socket: Socket, path: string) => void

const head = (status: string, headers: readonly string[]): string =>
  [`HTTP/1.1 ${status}`, ...headers, "", ""].join("\r\n")
const whole = (status: string, type: string, body: string): string =>
  head(status, [`content-type: ${type}`, `content-length: ${body.length}`]) + body
const LOGIN = "<!doctype html><html><body><h1>Sign in</h1>requests: 12\n</body></html>"

const ODD = JSON.stringify({
  configs: [
    null,
    7,
    {
      "@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump",
      bootstrap: { node: 7 },
    },
    { "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump", dynamic_listeners: "many" },
    {
      "@type": "type.googleapis.com/envoy.admin.v3.RoutesConfigDump",
      dynamic_route_configs: [{ route_config: [] }],
    },
    { "@type": { __proto__: 1 }, dynamic_active_clusters: { length: 1e9 } },
  ],
})

/** Ways to answer that must cost nobody else anything. Every write ends by itself when the client goes away. */
export const DEEDS = {
  /** Takes the question and never says a word. */
  hangs: () => undefined,
  /** A whole page is announced; it comes with 1 byte a second. */
  trickles: (socket) => {
    socket.write(head("200 OK", ["content-length: 100000"]))
    every(socket, 1000, () => socket.write("x"))
  },
  /** A login page in place of every answer. */
  html: (socket) => socket.write(whole("200 OK", "text/html", LOGIN)),
  /** Announces more than it sends, then ends. */
  short: (socket) => {
    socket.end(head("200 OK", ["content-length: 4000"]) + "server.uptime: 5\n")
  },
  /** Sends more than it announces. */
  long: (socket) => socket.write(`${whole("200 OK", "text/plain", "server.uptime: 5\n")}cluster.a.b: 7\n`),
  /** Points at a page that changes a proxy. */
  redirects: (socket, path) =>
    socket.write(
      head("302 Found", [`location: http://127.0.0.1:1/quitquitquit?${path}`, "content-length: 0"]),
    ),
  /** A body without an end, as fast as it is taken. */
  endless: (socket) => {
    socket.write(head("200 OK", ["transfer-encoding: chunked"]))
    const piece = `10000\r\n${"cluster.a.upstream_rq_total: 1\n".repeat(3000).slice(0, 65_536)}\r\n`
    const more = (): void => {
      while (!socket.destroyed && socket.write(piece));
    }
    socket.on("drain", more)
    more()
  },
  /** A kilobyte that would be a gigabyte. */
  bomb: (socket) =>
    socket.write(head("200 OK", ["content-encoding: gzip", "content-length: 20"]) + "\u001f".repeat(20)),
  /** Valid JSON that is nothing like what was asked for. */
  odd: (socket) => socket.write(whole("200 OK", "application/json", ODD)),
  /** JSON that is all depth. */
  deep: (socket) => {
    const depth = 200_000
    socket.write(whole("200 OK", "application/json", `{"configs":${"[".repeat(depth)}${"]".repeat(depth)}}`))
  },
  /** Not HTTP at all. */
  babbles: (socket) => socket.write("SSH-2.0-OpenSSH_9.6\r\n"),
  /** Nobody may read anything. */
  forbids: (socket) => socket.write(whole("403 Forbidden", "text/plain", "RBAC: access denied")),
} as const satisfies Readonly<Record<string, Deed>>
export type DeedName = keyof typeof DEEDS

function every(socket: Socket, ms: number, act: () => void): void {
  const timer = setInterval(act, ms)
  socket.once("close", () => clearInterval(timer))
}

export async function startHostile(deed: DeedName, host: string): Promise<HostileAdmin> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on("error", () => socket.destroy())
    socket.on("close", () => sockets.delete(socket))
    socket.setEncoding("latin1").on("data", (text: string) => {
      const path = /^GET (\S+) /.exec(text)?.[1] ?? text
      asked.push(path)
      DEEDS[deed](socket, path)
    })
  })
  server.listen(9901, host)
  await once(server, "listening")
  return {
    address: `${host}:9901`,
    asked,
    async stop() {
      const closed = once(server, "close")
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
