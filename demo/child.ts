import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createWriteStream } from "node:fs"
import { readFile } from "node:fs/promises"
import { MeshscopeError } from "#mesh/errors.ts"

/** Enough for an uncaught error with its way through the code. */
const LAST_LINES = 20

/** A program of ours beside the demo, with its output in a file. */
export class Child {
  readonly #process: ChildProcess
  readonly #name: string
  readonly #log: string

  constructor(name: string, args: readonly string[], log: string) {
    this.#name = name
    this.#log = log
    this.#process = spawn(process.execPath, [...args], { stdio: ["ignore", "pipe", "pipe"] })
    const file = createWriteStream(log, { flags: "a" })
    this.#process.stdout?.pipe(file, { end: false })
    this.#process.stderr?.pipe(file, { end: false })
    this.#process.on("close", () => file.end())
    // However the demo ends, this does not outlive it.
    const kill = (): void => void this.#process.kill("SIGKILL")
    process.once("exit", kill)
    this.#process.once("exit", () => process.off("exit", kill))
  }

  /** Throws with the last lines of its output when it has ended. */
  async expectRunning(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) return
    const said = (await readFile(this.#log, "utf8")).trim().split("\n").slice(-LAST_LINES).join("\n")
    throw new MeshscopeError("COMPONENT_MISSING", `The ${this.#name} has ended. It says:\n${said}`)
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = once(this.#process, "exit")
    this.#process.kill("SIGTERM")
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), 10_000)
    await ended
    clearTimeout(timer)
  }
}
