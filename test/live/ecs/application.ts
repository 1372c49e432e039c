import { once } from "node:events"
import { createServer, request } from "node:http"

/** What Envoys send to: answers with the status that its path names, as `/503`. */
export interface Application {
  readonly port: number
  stop(): Promise<void>
}

export async function startApplication(): Promise<Application> {
  const server = createServer(({ url }, response) => {
    response.writeHead(Number(/^\/(\d{3})$/.exec(url ?? "")?.[1] ?? 200)).end("here")
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const bound = server.address()
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : 0,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Sends one request after the other for each status, to be answered with it. */
export async function call(port: number, statuses: readonly number[]): Promise<void> {
  for (const status of statuses) {
    await new Promise<void>((resolve, reject) => {
      const sent = request({
        host: "127.0.0.1",
        port,
        path: `/${status}`,
        headers: { host: "app.yelb.local" },
      })
      sent.on("response", (answer) => {
        answer.resume()
        answer.on("end", () => {
          if (answer.statusCode === status) resolve()
          else reject(new Error(`${answer.statusCode} in place of ${status}`))
        })
      })
      sent.on("error", reject)
      sent.end()
    })
  }
}
