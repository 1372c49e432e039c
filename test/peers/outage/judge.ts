import type { Taken } from "./door.ts"
import type { SentSpan } from "./input.ts"
import type { Kill } from "./subject.ts"

/** What came to a receiver more than once. */
export interface Repeats {
  readonly lostAnswer: number
  readonly killed: number
  /** Those that nothing explains: there may be none. */
  readonly unexplained: readonly string[]
}

/** A busy agent takes so long to read an answer that is there. */
const LAG_MS = 500

/**
 * Why each thing came again. The protocols know two reasons that none of them can avoid: the answer to the request before
 * was lost, or it came after the agent's last commit before it was killed, so that the next agent did not know of it.
 */
export function repeats(taken: readonly Taken[], kills: readonly Kill[]): Repeats {
  const last = new Map<string, Taken>()
  const unexplained: string[] = []
  let lostAnswer = 0
  let killed = 0
  for (const request of taken) {
    for (const id of request.ids) {
      const before = last.get(id)
      last.set(id, request)
      if (before === undefined) continue
      if (before.answeredMs === undefined) lostAnswer++
      else if (forgotten(before.answeredMs, request, kills)) killed++
      else unexplained.push(`${id.slice(0, 200)} at ${before.cameMs} and ${request.cameMs}`)
    }
  }
  return { lostAnswer, killed, unexplained }
}

const forgotten = (answeredMs: number, again: Taken, kills: readonly Kill[]): boolean =>
  kills.some(
    ({ atMs, committedMs }) =>
      answeredMs <= atMs + LAG_MS && atMs <= again.cameMs && answeredMs > committedMs - LAG_MS,
  )

/** All that came, once each, in the order in which it came first. */
export const arrived = (taken: readonly Taken[]): ReadonlySet<string> =>
  new Set(taken.flatMap(({ ids }) => ids))

/** Spans that nobody got though the agent had committed them, or was never killed after them. */
export function missed(
  sent: readonly SentSpan[],
  got: ReadonlySet<string>,
  kills: readonly Kill[],
): { readonly uncommitted: number; readonly unexplained: readonly string[] } {
  const lost = sent.filter(({ id }) => !got.has(id))
  const unexplained = lost.filter(
    ({ sentMs }) => !kills.some(({ committedMs, upMs }) => sentMs > committedMs - LAG_MS && sentMs <= upMs),
  )
  return { uncommitted: lost.length, unexplained: unexplained.map(({ id, sentMs }) => `${id} of ${sentMs}`) }
}
