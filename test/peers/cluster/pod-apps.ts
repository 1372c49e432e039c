import { once } from "node:events"
import { createServer, type Server, type Socket } from "node:net"
import { createInterface } from "node:readline"
import type { Apps, AppsEvents } from "../../../demo/apps/apps-process.ts"
import type { AppPod, Command, Report } from "../../../demo/apps/protocol.ts"

interface Waiting {
  done(): void
  fail(error: Error): void
}

/** The application of one pod, by the socket on which it reports. */
class PodApp {
  readonly #server: Server
  readonly #events: AppsEvents
  readonly #connected = Promise.withResolvers<Socket>()
  readonly #waiting = new Map<number, Waiting>()
  #next = 1

  constructor(socket: string, events: AppsEvents) {
    this.#events = events
    this.#server = createServer((connection) => this.#take(connection)).listen(socket)
  }

  async order(command: Command): Promise<void> {
    const socket = await this.#connected.promise
    const number = this.#next++
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.set(number, { done: resolve, fail: reject })
    socket.write(`${JSON.stringify({ number, command })}\n`)
    return promise
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#connected.promise.then(
      (socket) => socket.destroy(),
      () => {},
    )
    this.#connected.reject(new Error("the test ends"))
    await once(this.#server, "close")
  }

  /** An application that comes again has no state: the truth would have a hole, so the test fails. */
  #take(socket: Socket): void {
    socket.on("error", () => {})
    socket.on("close", () => {
      for (const waiting of this.#waiting.values()) waiting.fail(new Error("an application's pod has ended"))
    })
    createInterface({ input: socket }).on("line", (line) => this.#heard(JSON.parse(line) as Report))
    this.#connected.resolve(socket)
  }

  #heard(report: Report): void {
    if (report.kind === "records") this.#events.records(report.records)
    else if (report.kind === "held") this.#events.held(report.request)
    else {
      const waiting = this.#waiting.get(report.number)
      this.#waiting.delete(report.number)
      if (report.problem === undefined) waiting?.done()
      else waiting?.fail(new Error(`An application cannot start or stop: ${report.problem}`))
    }
  }
}

/** Applications that run in pods. */
export class PodApps implements Apps {
  readonly #apps = new Map<string, PodApp>()

  /** @param sockets path of its socket by name of the pod */
  constructor(sockets: ReadonlyMap<string, string>, events: AppsEvents) {
    for (const [pod, socket] of sockets) this.#apps.set(pod, new PodApp(socket, events))
  }

  async start(pods: readonly AppPod[]): Promise<void> {
    await Promise.all(pods.map((pod) => this.#of(pod.pod, { kind: "start", pods: [pod] })))
  }

  async order(command: Command): Promise<void> {
    if (command.kind === "down" || command.kind === "up") return this.#of(command.pod, command)
    await this.#all(command)
    // What one still served may have led to calls of another that had nothing open when it was asked.
    if (command.kind === "flush") await this.#all(command)
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#apps.values()].map((app) => app.stop()))
  }

  async #of(pod: string, command: Command): Promise<void> {
    await this.#apps.get(pod)?.order(command)
  }

  async #all(command: Command): Promise<void> {
    await Promise.all([...this.#apps.values()].map((app) => app.order(command)))
  }
}
