import { createServer } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"

/** Who answered; every answer bears it. */
export const SERVED_BY = "x-served-by"

/** What an application got: how it answered, or that its caller had gone by then (0). */
type Arrivals = ReadonlyMap<number, number>

export interface App {
  /** Requests that are not yet counted. */
  readonly open: number
  /** Requests by status since the last call. */
  taken(): Arrivals
  stop(): void
}

/** An application that answers as its path asks: `?code=404`, `?wait=500` in ms. */
export async function startApp(name: string, host: string, port: number): Promise<App> {
  let arrivals = new Map<number, number>()
  let open = 0
  const count = (code: number): void => {
    open -= 1
    arrivals.set(code, (arrivals.get(code) ?? 0) + 1)
  }
  const server = createServer((request, response) => {
    open += 1
    const { searchParams: asked } = new URL(request.url ?? "/", "http://app")
    const code = Number(asked.get("code") ?? 200)
    response.once("close", () => count(response.writableFinished ? code : 0))
    void sleep(Number(asked.get("wait") ?? 0)).then(() => {
      if (!response.destroyed) response.writeHead(code, { [SERVED_BY]: name }).end()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(port, host, resolve)
  })
  return {
    get open() {
      return open
    },
    taken() {
      const before = arrivals
      arrivals = new Map()
      return before
    },
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}
