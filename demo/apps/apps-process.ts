import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { MeshscopeError } from "#mesh/errors.ts"
import type { Records } from "../records.ts"
import type { AppPod, Command, Report } from "./protocol.ts"

export interface AppsEvents {
  records(records: Records): void
  held(request: string): void
}

/** The applications of a fleet, wherever they run. */
export interface Apps {
  /** Resolves when the applications have done it; records that they sent before have arrived by then. */
  order(command: Command): Promise<void>
}

/** All applications of a fleet in one process beside this one. */
export class AppsProcess implements Apps {
  readonly #child: ChildProcess
  readonly #events: AppsEvents
  readonly #waiting = new Map<number, { done: () => void; fail: (error: Error) => void }>()
  #next = 1

  constructor(events: AppsEvents) {
    this.#events = events
    const stdio = ["ignore", "inherit", "inherit", "ipc"] as const
    this.#child = fork(new URL("main.ts", import.meta.url), { stdio: [...stdio], execArgv: [] })
    this.#child.on("message", (report: Report) => this.#heard(report))
    this.#child.on("exit", () => this.#failAll("The applications of the demo have ended."))
    this.#child.on("error", (error) => this.#failAll(error.message))
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  start(pods: readonly AppPod[]): Promise<void> {
    return this.order({ kind: "start", pods })
  }

  order(command: Command): Promise<void> {
    if (!this.#child.connected) return Promise.reject(ended("The applications of the demo do not run."))
    const number = this.#next++
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.set(number, { done: resolve, fail: reject })
    this.#child.send({ number, command })
    return promise
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, "exit")
    if (this.#child.connected) this.#child.disconnect()
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 2000)
    await exited
    clearTimeout(timer)
  }

  #heard(report: Report): void {
    switch (report.kind) {
      case "records":
        this.#events.records(report.records)
        return
      case "held":
        this.#events.held(report.request)
        return
      case "done": {
        const waiting = this.#waiting.get(report.number)
        this.#waiting.delete(report.number)
        if (report.problem === undefined) waiting?.done()
        else waiting?.fail(ended(`An application cannot start or stop: ${report.problem}`))
      }
    }
  }

  #failAll(message: string): void {
    for (const waiting of this.#waiting.values()) waiting.fail(ended(message))
    this.#waiting.clear()
  }
}

const ended = (message: string): MeshscopeError => new MeshscopeError("LISTEN_FAILED", message)
