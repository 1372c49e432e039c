import { readFile, stat } from "node:fs/promises"
import { connect } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { samplesOf } from "../../../demo/exposition.ts"
import type { AgentProcess } from "../../live/rig/agent-process.ts"
import type { SpanIntakes } from "./input.ts"

/** An end of the agent without a word. Times are of the wall clock, ms. */
export interface Kill {
  readonly atMs: number
  /** When the agent had committed for the last time: what it did later it does not know of any more. */
  readonly committedMs: number
  /** When the next one took spans; infinite while none did. */
  upMs: number
}

const UP_MS = 20_000

/** The agent of a test as a process, that is killed and started again. */
export class Subject {
  readonly kills: Kill[] = []
  readonly #agent: AgentProcess
  readonly #wal: string
  readonly #intakes: SpanIntakes

  constructor(agent: AgentProcess, state: string, intakes: SpanIntakes) {
    this.#agent = agent
    this.#wal = join(state, "state.sqlite-wal")
    this.#intakes = intakes
  }

  get running(): boolean {
    return this.#agent.running
  }

  get pid(): number {
    return this.#agent.pid ?? 0
  }

  /** Resolves when it takes spans and serves its page. */
  async start(): Promise<void> {
    this.#agent.start()
    const until = performance.now() + UP_MS
    while (!(await this.#listens())) {
      if (!this.running || performance.now() > until)
        throw new Error(`The agent did not start. It says:\n${await this.words()}`)
      await sleep(25)
    }
    const last = this.kills.at(-1)
    if (last?.upMs === Infinity) last.upMs = Date.now()
  }

  /** Starts it and does not wait. */
  startOnly(): void {
    this.#agent.start()
  }

  /** @returns the moment's record */
  async kill(): Promise<Kill> {
    const atMs = Date.now()
    await this.#agent.end("SIGKILL")
    // Each commit writes there, and nothing else does.
    const { mtimeMs: committedMs } = await stat(this.#wal)
    const kill: Kill = { atMs, committedMs, upMs: Infinity }
    this.kills.push(kill)
    return kill
  }

  /** @returns its exit code, and how long it took, ms */
  async end(): Promise<{ readonly code: number | null; readonly tookMs: number }> {
    const before = performance.now()
    const code = await this.#agent.end("SIGTERM")
    return { code, tookMs: performance.now() - before }
  }

  page(): Promise<string | undefined> {
    return this.#agent.page()
  }

  until(satisfied: (page: string) => boolean, timeoutMs: number): Promise<string> {
    return this.#agent.until(satisfied, timeoutMs)
  }

  /** The end of its log. */
  async words(): Promise<string> {
    return (await readFile(this.#agent.logFile, "utf8")).trim().split("\n").slice(-8).join("\n")
  }

  /** UDP is bound before TCP of the same intake, and that before the next one's. */
  async #listens(): Promise<boolean> {
    const { hostname: host, port } = new URL(this.#intakes.zipkin)
    return (await reachable(host, Number(port))) && (await this.page()) !== undefined
  }
}

function reachable(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host)
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(false))
  })
}

/** What the agent's page says of one sink, in things. */
export interface SinkCounts {
  readonly accepted: number
  readonly rejected: number
  readonly dropped: number
  readonly held: number
}

export function sinkCounts(page: string): ReadonlyMap<string, SinkCounts> {
  const counts = new Map<string, SinkCounts>()
  const add = (sink: string, key: string, count: number): void => {
    const known = counts.get(sink) ?? { accepted: 0, rejected: 0, dropped: 0, held: 0 }
    counts.set(sink, { ...known, [key]: count })
  }
  for (const { labels, count } of samplesOf(page, "mesh_agent_export_records_total"))
    add(labels["sink"] ?? "", labels["result"] ?? "", count)
  for (const { labels, count } of samplesOf(page, "mesh_agent_queue_records"))
    add(labels["sink"] ?? "", "held", count)
  return counts
}

/** How many things a sink was given. */
export const offered = ({ accepted, rejected, dropped, held }: SinkCounts): number =>
  accepted + rejected + dropped + held
