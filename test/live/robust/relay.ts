import { once } from "node:events"
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http"

/** What a relay does with a path: hand it on, refuse it, never answer, or answer with something else. */
export type RelayMode = "pass" | "forbid" | "hang" | "html" | "vanish"

/** Stands before the admin interface of a real Envoy, as an authorizing proxy would. */
export interface AdminRelay {
  readonly address: string
  /** Decides by path; may be replaced at any time. */
  mode: (path: string) => RelayMode
  /** When each path was asked for, monotonic ms. */
  readonly asked: readonly { readonly path: string; readonly atMs: number }[]
  stop(): Promise<void>
}

export async function startRelay(host: string, admin: string): Promise<AdminRelay> {
  const asked: { path: string; atMs: number }[] = []
  const server = createServer((incoming, answer) => {
    const path = incoming.url ?? ""
    asked.push({ path, atMs: performance.now() })
    handle(relay.mode(path), admin, incoming, answer)
  })
  server.listen(9901, host)
  await once(server, "listening")
  const relay: AdminRelay = {
    address: `${host}:9901`,
    mode: () => "pass",
    asked,
    async stop() {
      const closed = once(server, "close")
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
  return relay
}

function handle(mode: RelayMode, admin: string, incoming: IncomingMessage, answer: ServerResponse): void {
  if (mode === "hang") return
  if (mode === "vanish") incoming.socket.destroy()
  else if (mode === "forbid") answer.writeHead(403, { "content-type": "text/plain" }).end("no")
  else if (mode === "html") answer.writeHead(200, { "content-type": "text/html" }).end("<html>Sign in</html>")
  else handOn(admin, incoming, answer)
}

function handOn(admin: string, incoming: IncomingMessage, answer: ServerResponse): void {
  const { method, url } = incoming
  const onward = request(`http://${admin}${url ?? ""}`, { method })
  onward.on("response", (response) => {
    answer.writeHead(response.statusCode ?? 502, response.headers)
    response.pipe(answer)
  })
  onward.on("error", () => answer.destroy())
  onward.end()
}
