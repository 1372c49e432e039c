import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createWriteStream, type WriteStream } from "node:fs"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

const MAIN = join(import.meta.dirname, "../../../cli/main.ts")

/** The real agent as a user runs it: `meshscope agent --config FILE`. It may be killed and started again. */
export class AgentProcess {
  readonly metricsUrl: string
  readonly logFile: string
  readonly #args: readonly string[]
  readonly #env: NodeJS.ProcessEnv | undefined
  readonly #log: WriteStream
  #child: ChildProcess | undefined

  /**
   * Writes `agent.yaml` into `folder` and its log beside it.
   * @param listen `host:port` of the page for Prometheus
   * @param env all of its environment; absent: this process's own
   */
  static async prepare(
    folder: string,
    listen: string,
    config: { readonly publish?: object; readonly [section: string]: unknown },
    env?: NodeJS.ProcessEnv,
  ): Promise<AgentProcess> {
    const file = join(folder, "agent.yaml")
    const publish = { ...config.publish, prometheus: { listen } }
    await writeFile(file, JSON.stringify({ ...config, publish }))
    return new AgentProcess(["--config", file], `http://${listen}/metrics`, join(folder, "agent.log"), env)
  }

  private constructor(
    args: readonly string[],
    metricsUrl: string,
    logFile: string,
    env: NodeJS.ProcessEnv | undefined,
  ) {
    this.#args = [MAIN, "agent", ...args]
    this.#env = env
    this.metricsUrl = metricsUrl
    this.logFile = logFile
    this.#log = createWriteStream(logFile, { flags: "a" })
    process.once("exit", () => this.#child?.kill("SIGKILL"))
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** @param env in place of the environment that it was prepared with */
  start(env = this.#env): void {
    const child = spawn(process.execPath, this.#args, {
      stdio: ["ignore", "pipe", "pipe"],
      ...(env === undefined ? {} : { env }),
    })
    child.stdout.pipe(this.#log, { end: false })
    child.stderr.pipe(this.#log, { end: false })
    this.#child = child
  }

  /** Ends it and waits. @returns its exit code; null when a signal ended it */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const child = this.#child
    if (child === undefined || !this.running) return child?.exitCode ?? null
    const ended = once(child, "exit")
    child.kill(signal)
    await ended
    return child.exitCode
  }

  /** Resolves with the page once it satisfies; throws with the agent's last words when it ends or takes too long. */
  async until(satisfied: (page: string) => boolean, timeoutMs = 20_000): Promise<string> {
    const until = performance.now() + timeoutMs
    while (performance.now() < until && this.running) {
      const page = await this.page()
      if (page !== undefined && satisfied(page)) return page
      await sleep(100)
    }
    const words = (await readFile(this.logFile, "utf8")).trim().split("\n").slice(-5).join("\n")
    throw new Error(
      `The agent ${this.running ? "did not get there in time" : "has ended"}. It says:\n${words}`,
    )
  }

  /** The page as text, or undefined when nobody answers or the answer is cut off. */
  async page(accept = "text/plain"): Promise<string | undefined> {
    try {
      const answer = await fetch(this.metricsUrl, { headers: { accept }, signal: AbortSignal.timeout(5000) })
      return answer.ok ? await answer.text() : undefined
    } catch {
      return undefined
    }
  }
}
