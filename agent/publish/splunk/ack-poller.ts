import type { Clock } from "#mesh/clock.ts"

export interface AckPollerDeps {
  /** Asks which of these are acknowledged; none when that cannot be known now. Never rejects. */
  readonly ask: (ids: readonly number[]) => Promise<ReadonlySet<number>>
  readonly clock: Pick<Clock, "sleep">
  readonly intervalMs: number
}

/** Asks for all acknowledgements that are waited for in one request, every so often while there are any. */
export interface AckPoller {
  /** Whether it came before `signal` aborted. */
  wait(id: number, signal: AbortSignal): Promise<boolean>
}

export function makeAckPoller({ ask, clock, intervalMs }: AckPollerDeps): AckPoller {
  const waiting = new Map<number, (acknowledged: boolean) => void>()
  let polling = false
  const poll = async (): Promise<void> => {
    polling = true
    while (waiting.size > 0) {
      await clock.sleep(intervalMs)
      if (waiting.size === 0) break
      for (const id of await ask([...waiting.keys()])) waiting.get(id)?.(true)
    }
    polling = false
  }
  return {
    wait(id, signal) {
      return new Promise((resolve) => {
        const settle = (acknowledged: boolean): void => {
          signal.removeEventListener("abort", giveUp)
          if (waiting.get(id) === settle) waiting.delete(id)
          resolve(acknowledged)
        }
        const giveUp = (): void => settle(false)
        if (signal.aborted) {
          resolve(false)
          return
        }
        signal.addEventListener("abort", giveUp)
        waiting.set(id, settle)
        if (!polling) void poll()
      })
    },
  }
}
