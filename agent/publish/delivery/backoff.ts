export interface BackoffConfig {
  readonly firstMs: number
  readonly mostMs: number
}

/** A receiver that asks for more is not waited for longer than this. */
const MAX_ASKED_MS = 300_000

/**
 * How long to wait before try number `attempt` (from 1), ms: doubled each time, then between half and all of it by
 * chance, so that many agents do not come back at once. A receiver's own wish (`askedMs`) is the least.
 */
export function backoffMs(
  config: BackoffConfig,
  attempt: number,
  random: () => number,
  askedMs: number | undefined,
): number {
  const full = Math.min(config.mostMs, config.firstMs * 2 ** Math.min(attempt - 1, 30))
  const jittered = full / 2 + (full / 2) * random()
  return Math.max(jittered, Math.min(askedMs ?? 0, MAX_ASKED_MS))
}
