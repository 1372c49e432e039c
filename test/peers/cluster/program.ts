import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, openSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"

const LAST_LINES = 15
const END_MS = 3000

/** One program of a cluster. What it says is kept in a file of its own. */
export class Program {
  readonly name: string
  readonly #log: string
  readonly #child: ChildProcess

  constructor(name: string, command: string, args: readonly string[], log: string) {
    this.name = name
    this.#log = log
    const file = openSync(log, "a")
    this.#child = spawn(command, args, { stdio: ["ignore", file, file] })
    closeSync(file)
    this.#child.on("error", () => {})
    const kill = (): void => void this.#child.kill("SIGKILL")
    process.once("exit", kill)
    this.#child.once("exit", () => process.off("exit", kill))
  }

  get running(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Waits until it holds. @throws Error with the program's last lines when it ends before or takes too long */
  async until(what: string, holds: () => Promise<boolean>, patienceMs = 60_000): Promise<void> {
    const end = performance.now() + patienceMs
    while (!(await holds().catch(() => false))) {
      if (!this.running) throw new Error(`${this.name} has ended. ${this.words()}`)
      if (performance.now() > end) throw new Error(`${this.name}: waited in vain: ${what}. ${this.words()}`)
      await sleep(100)
    }
  }

  /** What it said last. */
  words(): string {
    const lines = readFileSync(this.#log, "utf8").trim().split("\n")
    return `${this.name} says:\n${lines.slice(-LAST_LINES).join("\n")}`
  }

  async end(): Promise<void> {
    if (!this.running) return
    const exited = once(this.#child, "exit")
    this.#child.kill("SIGTERM")
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), END_MS)
    await exited
    clearTimeout(timer)
  }
}
