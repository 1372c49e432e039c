import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

const MAIN = join(import.meta.dirname, "../../../cli/main.ts")

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

/** `meshscope …` as a real process, with all that it says. */
export class RunningCommand {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  readonly #said = { out: "", error: "" }

  /** @param before words of a program that starts this one, such as `unshare` with its arguments */
  constructor(words: readonly string[], before: readonly string[] = []) {
    const [program = process.execPath, ...rest] = [...before, process.execPath, MAIN, ...words]
    this.child = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] })
    const said = this.#said
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => (said.out += text))
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => (said.error += text))
    this.ended = once(this.child, "close").then(() => ({ code: this.child.exitCode, ...said }))
    const kill = (): void => void this.child.kill("SIGKILL")
    process.once("exit", kill)
    void this.ended.finally(() => process.off("exit", kill))
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** Lines of the agent's own log so far. */
  get log(): readonly LogLine[] {
    return logLines(this.#said.error)
  }

  /** Waits for a text on either stream. */
  async says(pattern: RegExp, timeoutMs = 20_000): Promise<RegExpExecArray> {
    const until = performance.now() + timeoutMs
    for (;;) {
      const found = pattern.exec(this.#said.out) ?? pattern.exec(this.#said.error)
      if (found !== null) return found
      if (!this.running || performance.now() > until)
        throw new Error(`It did not say ${String(pattern)} but: ${this.#said.error}`)
      await sleep(20)
    }
  }

  /** Sends the signal and waits. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<Ended> {
    this.child.kill(signal)
    return this.ended
  }
}

/** One line of the agent's log. */
export interface LogLine {
  readonly level: string
  readonly message: string
  readonly code?: string
  readonly target?: string
  readonly page?: string
}

function logLines(text: string): readonly LogLine[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line): LogLine => JSON.parse(line))
}
