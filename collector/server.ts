import { type Http2Bindings, type HttpBindings, type ServerType, serve } from "@hono/node-server"
import { listenFailed } from "#mesh/system-reason.ts"
import type { ListenerKind } from "./access/listener.ts"
import type { CollectorApp } from "./api/api.ts"
import type { CollectorConfig } from "./config.ts"

/** Requests that are under way at the end get this long, ms. */
const DRAIN_MS = 3000

export interface RunningServer {
  readonly url: string
  /** Ends requests under way. */
  stop(): Promise<void>
}

/** @throws MeshscopeError LISTEN_FAILED */
export async function listen(
  app: CollectorApp,
  address: CollectorConfig["listen"],
  kind: ListenerKind,
): Promise<RunningServer> {
  const { server, url } = await listening(app, address, kind)
  const ending = new AbortController()
  const followed = kind.follow(server, ending.signal)
  return {
    url,
    async stop() {
      ending.abort()
      await drained(server)
      await followed
    },
  }
}

function listening(
  app: CollectorApp,
  address: CollectorConfig["listen"],
  { scheme, transport, admits }: ListenerKind,
): Promise<{ server: ServerType; url: string }> {
  const { host, port } = address
  const fetch = (request: Request, bindings: HttpBindings | Http2Bindings): Response | Promise<Response> =>
    admits(new URL(request.url).pathname, bindings) ? app.fetch(request, bindings) : withoutCertificate()
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, hostname: host, port, ...transport }, (taken) => {
      const name = taken.family === "IPv6" ? `[${taken.address}]` : taken.address
      resolve({ server, url: `${scheme}://${name}:${taken.port}` })
    })
    server.on("error", (cause: Error) => {
      reject(listenFailed("listen", address, cause))
    })
  })
}

function withoutCertificate(): Response {
  const error = "A certificate of an authority in the setting tls.clientCaFile is needed."
  return Response.json({ error, problems: [] }, { status: 401 })
}

function drained(server: ServerType): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      if ("closeAllConnections" in server) server.closeAllConnections()
    }, DRAIN_MS)
    server.close(() => {
      clearTimeout(force)
      resolve()
    })
    if ("closeIdleConnections" in server) server.closeIdleConnections()
  })
}
