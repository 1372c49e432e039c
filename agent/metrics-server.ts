import { once } from "node:events"
import { createServer } from "node:http"
import { socketAddressText } from "#mesh/address.ts"
import type { SocketAddress } from "#mesh/proxy.ts"
import { listenFailed } from "#mesh/system-reason.ts"
import type { MetricsHandler } from "./publish/prometheus/handler.ts"

export interface MetricsServer {
  /** With the port that was really taken. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Serves the page for Prometheus, `/healthz`, which says whether exposure is frozen, and `/livez`: the process answers.
 * A frozen agent is alive: a restart does not make its folder writable.
 * @throws MeshscopeError LISTEN_FAILED
 */
export async function serveMetrics(
  config: { readonly listen: SocketAddress; readonly path: string },
  handler: MetricsHandler,
  frozen: () => string | undefined,
): Promise<MetricsServer> {
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, (request, response) => {
    const path = request.url?.split("?")[0]
    if (path === config.path) {
      void handler.handle(request, response)
      return
    }
    const why = path === "/livez" ? undefined : frozen()
    if (path === "/healthz" || path === "/livez")
      response
        .writeHead(why === undefined ? 200 : 503, { "content-type": "text/plain; charset=utf-8" })
        .end(`${why ?? "ok"}\n`)
    else
      response
        .writeHead(404, { "content-type": "text/plain; charset=utf-8" })
        .end(`The metrics are at ${config.path}.\n`)
  })
  const { host, port } = config.listen
  server.listen(port, host)
  try {
    await once(server, "listening")
  } catch (cause) {
    throw listenFailed("publish.prometheus.listen", config.listen, cause)
  }
  const address = server.address()
  const taken = typeof address === "object" && address !== null ? address.port : port
  return {
    url: `http://${socketAddressText({ host, port: taken })}${config.path}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}
