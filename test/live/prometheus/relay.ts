import { once } from "node:events"
import { createServer, request, type Server } from "node:http"

/** What a scraper asked for, and what it got. */
export interface Scrape {
  readonly accept: string
  readonly contentType: string
  readonly encoding: string
  readonly status: number
}

/** Stands between a scraper and the agent, hands all through, and remembers in which format they agreed. */
export class Relay {
  readonly scrapes: Scrape[] = []
  readonly #server: Server

  static async start(listen: { readonly host: string; readonly port: number }, url: string): Promise<Relay> {
    const relay = new Relay(url)
    relay.#server.listen(listen)
    await once(relay.#server, "listening")
    return relay
  }

  private constructor(url: string) {
    this.#server = createServer((asked, answer) => {
      const outgoing = request(url, { headers: asked.headers }, (got) => {
        this.scrapes.push({
          accept: asked.headers.accept ?? "",
          contentType: got.headers["content-type"] ?? "",
          encoding: got.headers["content-encoding"] ?? "",
          status: got.statusCode ?? 0,
        })
        answer.writeHead(got.statusCode ?? 502, got.headers)
        got.pipe(answer)
      })
      outgoing.on("error", () => answer.destroy())
      outgoing.end()
    })
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}
