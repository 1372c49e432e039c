import type { Arrival, Call, TcpCall } from "../records.ts"

/** What all applications of the process share: records not yet sent, faults in force, attempts seen. */
export interface AppState {
  readonly calls: Call[]
  readonly arrivals: Arrival[]
  readonly tcp: TcpCall[]
  readonly slowMs: Map<string, number>
  readonly aborting: Set<string>
  /** Attempts by call, oldest first; bounded. */
  readonly attempts: Map<string, number>
  /** Next number of an outbound call. */
  nextCall: number
  /** Requests that are being served. */
  open: number
  held(request: string): void
}

const ATTEMPTS_KEPT = 20_000

export function makeState(held: (request: string) => void): AppState {
  return {
    calls: [],
    arrivals: [],
    tcp: [],
    slowMs: new Map(),
    aborting: new Set(),
    attempts: new Map(),
    nextCall: 1,
    open: 0,
    held,
  }
}

/** Counts an attempt of a call; the first is 1. */
export function nextAttempt(state: AppState, call: string): number {
  const attempt = (state.attempts.get(call) ?? 0) + 1
  state.attempts.set(call, attempt)
  if (state.attempts.size > ATTEMPTS_KEPT) {
    const [oldest] = state.attempts.keys()
    if (oldest !== undefined) state.attempts.delete(oldest)
  }
  return attempt
}
