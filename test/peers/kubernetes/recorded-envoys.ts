import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http"

/** Pages of one Envoy, served at many addresses as if each were one. */
export interface RecordedEnvoys {
  /** How often each address was asked for a page, by path and query. */
  asked(page: string): ReadonlyMap<string, number>
  stop(): void
}

/** @param admin `host:port` of the real Envoy; it is asked for each page once, by the first one who wants it */
export async function recordedEnvoys(
  admin: string,
  hosts: readonly string[],
  port: number,
): Promise<RecordedEnvoys> {
  const pages = new Map<string, ReturnType<typeof recorded>>()
  const counts = new Map<string, Map<string, number>>()
  const servers = hosts.map((host) => {
    const listener: RequestListener = ({ url = "/" }, response) => {
      const own = counts.get(url) ?? new Map<string, number>()
      counts.set(url, own.set(host, (own.get(host) ?? 0) + 1))
      const page = pages.get(url) ?? recorded(`http://${admin}${url}`)
      pages.set(url, page)
      void give(response, page)
    }
    return { host, server: createServer(listener) }
  })
  await Promise.all(servers.map(({ host, server }) => listening(server, host, port)))
  return {
    asked: (page) => counts.get(page) ?? new Map(),
    stop() {
      for (const { server } of servers) {
        server.closeAllConnections()
        server.close()
      }
    },
  }
}

async function recorded(
  url: string,
): Promise<{ readonly status: number; readonly type: string; readonly body: Buffer }> {
  const answer = await fetch(url)
  const type = answer.headers.get("content-type") ?? "text/plain"
  return { status: answer.status, type, body: Buffer.from(await answer.arrayBuffer()) }
}

async function give(response: ServerResponse, page: ReturnType<typeof recorded>): Promise<void> {
  const { status, type, body } = await page
  response.writeHead(status, { "content-type": type }).end(body)
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(port, host, resolve)
  })
}
