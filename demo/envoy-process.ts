import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdir, open, readFile } from "node:fs/promises"
import { dirname } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { MeshscopeError } from "#mesh/errors.ts"

export interface EnvoyProcessConfig {
  /** Path of the binary. */
  readonly envoy: string
  /** Name for messages. */
  readonly name: string
  readonly bootstrap: string
  /** `host:port` of the admin interface. */
  readonly admin: string
  /** Container log: Envoy's own lines and what it writes to /dev/stdout, as a runtime would merge them. */
  readonly log: string
  /** How long Envoy may hold access-log lines back, ms. Envoy's own default is 10 s. */
  readonly flushMs: number
  readonly readyMs?: number
}

const STOP_MS = 5000

/** One Envoy. It dies with this process: Envoy asks the kernel for a SIGTERM when its parent ends. */
export class EnvoyProcess {
  readonly #config: EnvoyProcessConfig
  #child: ChildProcess | undefined
  /** Length of the log when the current process began: earlier lines are another one's. */
  #logStart = 0

  constructor(config: EnvoyProcessConfig) {
    this.#config = config
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Spawns; `ready` waits until it serves. Its stdout is a file: Envoy cannot open /dev/stdout on a socket. */
  async start(): Promise<void> {
    const { envoy, bootstrap, log, flushMs } = this.#config
    await mkdir(dirname(log), { recursive: true })
    const file = await open(log, "a")
    this.#logStart = (await file.stat()).size
    const args = ["-c", bootstrap, "-l", "warn", "--concurrency", "1", "--disable-hot-restart"]
    args.push("--file-flush-interval-msec", String(flushMs), "--drain-time-s", "1")
    this.#child = spawn(envoy, args, { stdio: ["ignore", file.fd, file.fd], cwd: dirname(bootstrap) })
    const child = this.#child
    try {
      await Promise.race([
        once(child, "spawn"),
        once(child, "error").then(([error]) => Promise.reject(error)),
      ])
    } catch (cause) {
      throw new MeshscopeError("COMPONENT_MISSING", `Envoy cannot be started from ${envoy}.`, { cause })
    } finally {
      await file.close()
    }
  }

  /** Resolves when Envoy says LIVE. Throws with Envoy's own words when it ends or takes too long. */
  async ready(): Promise<void> {
    const until = performance.now() + (this.#config.readyMs ?? 20_000)
    while (performance.now() < until) {
      if (!this.running) throw await this.#failure("ended while it started")
      if (await isLive(this.#config.admin)) return
      await sleep(25)
    }
    throw await this.#failure("did not become live in time")
  }

  /** Sends a signal and waits for the end; SIGKILL when it takes too long. Does nothing when it does not run. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#child
    if (child === undefined || !this.running) return
    const ended = once(child, "exit")
    child.kill(signal)
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS)
    await ended
    clearTimeout(timer)
  }

  /** Any signal without waiting, e.g. SIGSTOP. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async #failure(what: string): Promise<MeshscopeError> {
    const { name, log } = this.#config
    const text = (await readFile(log)).subarray(this.#logStart).toString("utf8")
    const said = text.split("\n").filter((line) => /\]\[(?:critical|error)\]/.test(line))
    const words = (said.length > 0 ? said : text.trim().split("\n")).slice(-3).join("\n")
    return new MeshscopeError("LISTEN_FAILED", `Envoy ${name} ${what}. It says:\n${words}`)
  }
}

async function isLive(admin: string): Promise<boolean> {
  try {
    const answer = await fetch(`http://${admin}/ready`, { signal: AbortSignal.timeout(1000) })
    return (await answer.text()).startsWith("LIVE") && answer.ok
  } catch {
    return false
  }
}
