import { once } from "node:events"
import { request as httpRequest } from "node:http"
import { connect as connectHttp2, constants } from "node:http2"
import { connect } from "node:net"
import type { HonestyApps } from "./apps.ts"
import { HTTP_PORT, SERVICE } from "./names.ts"

export interface CallerDeps {
  /** Where the Envoy's outgoing listener is, as if iptables had led there. */
  readonly egress: string
  readonly ingress: string
  /** `host:port` of the admin interface. */
  readonly admin: string
  readonly apps: HonestyApps
  /** Sets the injected resource of the overload manager, 0 to 1. */
  readonly pressure: (value: number) => Promise<void>
}

export interface Asked {
  readonly host?: string
  readonly address?: string
  readonly port?: number
  readonly method?: string
  readonly body?: string
  /** The body stays unfinished. */
  readonly open?: boolean
}

/** How long one call may take, ms. */
const PATIENCE_MS = 5000

/** Everything that the causes do from the caller's side. */
export class Caller {
  readonly deps: CallerDeps

  constructor(deps: CallerDeps) {
    this.deps = deps
  }

  /** One request on a connection of its own; resolves with the status, or 0 when no answer came. */
  ask(path: string, asked: Asked = {}): Promise<number> {
    const { host = SERVICE, address = this.deps.egress, port = HTTP_PORT, method = "GET", body } = asked
    const headers = {
      host,
      "user-agent": "honesty/1",
      ...(body === undefined ? {} : { "content-length": asked.open === true ? 1000 : body.length }),
    }
    const outgoing = httpRequest({
      host: address,
      port,
      path,
      method,
      headers,
      agent: false,
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    const answered = new Promise<number>((resolve) => {
      outgoing.on("response", (response) => {
        response.resume()
        response.on("close", () => resolve(response.statusCode ?? 0))
        response.on("error", () => {})
      })
      outgoing.on("error", () => resolve(0))
    })
    if (asked.open === true) outgoing.write(body)
    else outgoing.end(body)
    return answered
  }

  /** A request that the application holds; resolves when it does. */
  async hold(path: string): Promise<{ readonly answered: Promise<number> }> {
    const held = this.deps.apps.nextHeld()
    const answered = this.ask(`${path}?hold=1`)
    await held
    return { answered }
  }

  /** Leaves while the application holds the request. */
  async leave(path: string): Promise<void> {
    const held = this.deps.apps.nextHeld()
    const outgoing = httpRequest({
      host: this.deps.egress,
      port: HTTP_PORT,
      path: `${path}?hold=1`,
      headers: { host: SERVICE },
      agent: false,
    })
    outgoing.on("error", () => {})
    outgoing.end()
    await held
    outgoing.destroy()
  }

  /** Resets the HTTP/2 stream while the application holds the request. */
  async resetStream(path: string): Promise<void> {
    const held = this.deps.apps.nextHeld()
    const session = connectHttp2(`http://${this.deps.egress}:${HTTP_PORT}`)
    const stream = session.request({ ":path": `${path}?hold=1`, ":authority": SERVICE })
    stream.on("error", () => {})
    await held
    stream.close(constants.NGHTTP2_CANCEL)
    await once(stream, "close")
    session.close()
  }

  /** Bytes as they are; resolves with the first bytes of an answer or at the end of the connection. */
  async raw(port: number, bytes: string, until: "answer" | "close" = "answer"): Promise<string> {
    const socket = connect({ host: this.deps.egress, port })
    socket.on("error", () => {})
    socket.write(bytes, "latin1")
    const got = await new Promise<string>((resolve) => {
      socket.on("close", () => resolve(""))
      socket.on("data", (data) => {
        if (until === "answer") resolve(data.toString("latin1"))
      })
    })
    socket.destroy()
    return got
  }

  async post(path: string): Promise<void> {
    await fetch(`http://${this.deps.admin}${path}`, { method: "POST" })
  }

  async stats(): Promise<ReadonlyMap<string, number>> {
    const answer = await fetch(`http://${this.deps.admin}/stats?usedonly`)
    const found = new Map<string, number>()
    for (const line of (await answer.text()).split("\n")) {
      const [name = "", value = ""] = line.split(": ")
      if (/^\d+$/.test(value)) found.set(name, Number(value))
    }
    return found
  }
}
