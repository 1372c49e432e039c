/** How requests ended. Each is counted once: `broken` where the connection broke off, `failed` where we did. */
export type IntakeResult =
  | "ok"
  | "partial"
  | "refused"
  | "malformed"
  | "too_large"
  | "busy"
  | "broken"
  | "failed"

export interface HttpIntakeCounters {
  readonly requests: Readonly<Record<IntakeResult, number>>
  /** Of bodies, after decompression, that were handed over. */
  readonly bytes: number
  /** Connections that were closed at once, since there were too many. */
  readonly droppedConnections: number
}

/** What an intake counts, but for bytes. */
export interface IntakeTally {
  ended(result: IntakeResult): void
  droppedConnection(): void
  counters(bytes: number): HttpIntakeCounters
}

export function makeIntakeTally(): IntakeTally {
  const requests: Record<IntakeResult, number> = {
    ok: 0,
    partial: 0,
    refused: 0,
    malformed: 0,
    too_large: 0,
    busy: 0,
    broken: 0,
    failed: 0,
  }
  let droppedConnections = 0
  return {
    ended(result) {
      requests[result]++
    },
    droppedConnection() {
      droppedConnections++
    },
    counters: (bytes) => ({ requests: { ...requests }, bytes, droppedConnections }),
  }
}
