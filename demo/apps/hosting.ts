import { once } from "node:events"
import type { Server as HttpServer } from "node:http"
import type { Http2Server } from "node:http2"
import type { Server, Socket } from "node:net"
import { grpcApp } from "./grpc-app.ts"
import { httpApp } from "./http-app.ts"
import { makeOutbound, type Outbound } from "./outbound.ts"
import { programOf } from "./programs.ts"
import type { AppPod } from "./protocol.ts"
import type { AppState } from "./state.ts"
import { tcpApp } from "./tcp-app.ts"

interface Listening {
  readonly server: Server | HttpServer | Http2Server
  readonly sockets: Set<Socket>
}

/** The application of one pod: its servers, which may go down and come up again. */
export class HostedApp {
  readonly #pod: AppPod
  readonly #state: AppState
  readonly #out: Outbound
  #listening: Listening[] = []

  constructor(pod: AppPod, state: AppState) {
    this.#pod = pod
    this.#state = state
    this.#out = makeOutbound(pod, state)
  }

  async up(): Promise<void> {
    if (this.#listening.length > 0) return
    this.#listening = this.#pod.listeners.map(({ protocol }) => keepTrack(this.#server(protocol)))
    await Promise.all(
      this.#listening.map(async ({ server }, at) => {
        server.listen(this.#pod.listeners[at]?.port, this.#pod.appAddress)
        await once(server, "listening")
      }),
    )
  }

  /** Closes listeners and connections at once, as a killed process would. */
  async down(): Promise<void> {
    const all = this.#listening
    this.#listening = []
    await Promise.all(
      all.map(async ({ server, sockets }) => {
        const closed = once(server, "close")
        server.close()
        for (const socket of sockets) socket.destroy()
        await closed
      }),
    )
  }

  async stop(): Promise<void> {
    this.#out.close()
    await this.down()
  }

  #server(protocol: AppPod["listeners"][number]["protocol"]): Listening["server"] {
    if (protocol === "tcp") return tcpApp()
    if (protocol === "http") return httpApp(this.#pod, this.#state, programOf(this.#pod), this.#out)
    return grpcApp(this.#pod, this.#state)
  }
}

function keepTrack(server: Listening["server"]): Listening {
  const sockets = new Set<Socket>()
  server.on("connection", (socket: Socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
  })
  return { server, sockets }
}
