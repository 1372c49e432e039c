import type { Clock } from "#mesh/clock.ts"

/** Remembers about when each generation was committed, so that a series' last change has a time without storing one. */
export interface IdleMarks {
  mark(generation: number): void
  /** The newest generation that is at least `idleMs` old; -1 when none is known to be. */
  before(idleMs: number): number
}

const EVERY_MS = 60_000
const KEPT = 1500

export function makeIdleMarks(clock: Clock): IdleMarks {
  /** `generation` was the newest at `atMs`; marks of one period are one. */
  const marks: { readonly sinceMs: number; generation: number; atMs: number }[] = []
  return {
    mark(generation) {
      const atMs = clock.monotonic()
      const last = marks.at(-1)
      if (last !== undefined && atMs - last.sinceMs < EVERY_MS) {
        last.generation = generation
        last.atMs = atMs
        return
      }
      marks.push({ sinceMs: atMs, generation, atMs })
      if (marks.length > KEPT) marks.shift()
    },
    before(idleMs) {
      const limit = clock.monotonic() - idleMs
      return marks.findLast((mark) => mark.atMs <= limit)?.generation ?? -1
    },
  }
}
