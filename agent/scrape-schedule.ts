import type { Clock } from "#mesh/clock.ts"

export interface ScheduleConfig {
  readonly clock: Clock
  readonly intervalMs: number
}

/** Where in the interval a name has its turn, 0..1: the same at every start, so that proxies spread over the interval. */
function phase(name: string): number {
  let hash = 2166136261
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 16777619)
  return (hash >>> 0) / 2 ** 32
}

/** Runs one task per proxy and interval. The first turn is at once; a task that takes too long skips turns, it never overlaps. */
export class ScrapeSchedule {
  readonly #config: ScheduleConfig
  readonly #tasks = new Map<string, AbortController>()
  readonly #running = new Set<Promise<void>>()
  readonly #first = new Map<string, Promise<void>>()

  constructor(config: ScheduleConfig) {
    this.#config = config
  }

  add(name: string, task: () => Promise<void>): void {
    const end = new AbortController()
    this.#tasks.set(name, end)
    const first = task()
    this.#first.set(name, first)
    const loop = this.#loop(first, task, phase(name), end.signal).finally(() => this.#running.delete(loop))
    this.#running.add(loop)
  }

  /** Resolves when the first turn of each has ended. */
  async firstTurns(): Promise<void> {
    await Promise.all(this.#first.values())
  }

  remove(name: string): void {
    this.#tasks.get(name)?.abort()
    this.#tasks.delete(name)
    this.#first.delete(name)
  }

  async #loop(
    first: Promise<void>,
    task: () => Promise<void>,
    share: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, intervalMs } = this.#config
    await first
    while (!signal.aborted) {
      const turn = clock.now() - share * intervalMs
      await clock.sleep(intervalMs - (((turn % intervalMs) + intervalMs) % intervalMs), signal)
      if (!signal.aborted) await task()
    }
  }

  /** Lets running tasks end; no further turn begins. */
  async stop(): Promise<void> {
    for (const end of this.#tasks.values()) end.abort()
    this.#tasks.clear()
    await Promise.all(this.#running)
  }
}
